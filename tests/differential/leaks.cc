// What the leak checker finds in torch::jit and in libtorch, where the oracle runs beside us: an interface of
// torch::jit's names itself in its methods; `dequantize` makes a tensor that wants gradients its own ancestor. The
// other test binaries, where torch::jit has no part, are checked without exceptions.

#if defined(__has_feature)
#define VESTA_CLANG_ADDRESS __has_feature(address_sanitizer)
#else
#define VESTA_CLANG_ADDRESS 0
#endif

#if defined(__SANITIZE_ADDRESS__) || VESTA_CLANG_ADDRESS
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions() {
  return "leak:c10::InterfaceType\n"
         "leak:dequantize_self\n";
}
#endif
