// What the leak checker finds in torch::jit and in libtorch, where the oracle runs beside us: an interface of
// torch::jit's names itself in its methods; `dequantize` makes a tensor that wants gradients its own ancestor. The
// other test binaries, where torch::jit has no part, are checked without exceptions.

#if defined(__SANITIZE_ADDRESS__)
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions() {
  return "leak:c10::InterfaceType\n"
         "leak:dequantize_self\n";
}
#endif
