#pragma once

// Products with packed matrices, what is made of them, attention and Winograd's convolutions, layer norms and sums of
// rows; compiled
// for several instruction sets.

#include <cstddef>
#include <cstdint>

namespace vesta::runtime::plan {

enum class InstructionSet : uint8_t;

// A matrix [depth, columns] lies in panels, one behind the other; in a panel, row by row. A panel has as many columns
// as the instruction set has registers for: 16 or 64. The last one is as narrow as a multiple of kPanelUnit allows; its
// columns beyond the last are 0.
inline constexpr int64_t kPanelUnit = 16;

// Rows that a product takes at once, or a multiple of them.
inline constexpr int64_t kPanelRows = 6;

inline int64_t padded_columns(int64_t columns) { return (columns + kPanelUnit - 1) / kPanelUnit * kPanelUnit; }

struct PanelProduct {
  const float* a;  // rows x depth, rows `a_stride` apart
  const float* panels;
  const float* bias;  // columns of them; null: none
  float* out;         // rows x columns, rows `out_stride` apart
  int64_t rows;
  int64_t depth;
  int64_t columns;
  int64_t a_stride;
  int64_t out_stride;
  bool adds;  // To what is in `out`; there is no bias then.
};

// softmax(scale * query * keys' + mask) * values, of one head.
struct HeadAttention {
  struct Matrix {
    const float* data;
    int64_t row, column;  // Elements from one to the next.
  };
  Matrix query;   // rows x depth; `column` is 1
  Matrix keys;    // keys x depth
  Matrix values;  // keys x columns
  Matrix mask;    // rows x keys, `column` is 0 or 1; null: none
  float* out;     // rows x columns, rows `out_stride` apart
  int64_t out_stride;
  int64_t rows, keys_count, depth, columns;
  float scale;
  int64_t first;  // The number of the first row, to `causal`.
  bool causal;    // Row i reads the keys up to i.
  bool safe;      // A row that may read no key at all is 0 rather than NaN.
  bool packed;    // `room` holds this head's keys and values from the call before.
  float* room;    // attention_room() of them.
};
// The rows of a block, and the keys whose values are taken at once.
inline constexpr int64_t kAttentionRows = 24;
inline constexpr int64_t kAttentionKeys = 192;
int64_t attention_room(int64_t keys, int64_t depth, int64_t columns);

// A convolution of 3 x 3 taps with stride 1, inputs and results [images, rows, columns, channels], in tiles of
// kWinogradTile x kWinogradTile results. Rows of tiles are counted through all images.
struct WinogradConvolution {
  const float* in;
  const float* weights;  // Of transform_taps().
  const float* bias;     // null: none
  float* out;
  int64_t height, width, channels;         // Of an image; `channels` are whole units.
  int64_t out_height, out_width, results;  // `results` are whole units.
  int64_t above, left;                     // Padding.
  int64_t first, last;                     // The rows of tiles that are made.
  float* room;                             // winograd_room() for as many tiles.
};
inline constexpr int64_t kWinogradTile = 4;
inline constexpr int64_t kWinogradPlaces = (kWinogradTile + 2) * (kWinogradTile + 2);  // Products for a tile.
int64_t winograd_tiles(int64_t size);  // Along one dimension of that size.
int64_t winograd_room(int64_t tiles, int64_t channels, int64_t results);

// (in - mean) / sqrt(variance + epsilon) * scale + shift, of each row; rows lie one behind the other.
struct RowNorm {
  const float* in;  // rows x size
  const float* scale;
  const float* shift;
  float* out;
  int64_t rows, size;
  float epsilon;
};

// factor * the sum of each row; rows lie one behind the other.
struct RowSums {
  const float* in;  // rows x size
  float* out;       // One for each row.
  int64_t rows, size;
  double factor;
};

struct PanelKernels {
  void (*product)(const PanelProduct&);
  // `packed` holds depth * padded_columns(columns) floats; matrix[k * row_stride + n * column_stride].
  void (*pack)(const float* matrix, int64_t depth, int64_t columns, int64_t row_stride, int64_t column_stride,
               float* packed);
  void (*attend)(const HeadAttention&);
  void (*convolve)(const WinogradConvolution&);
  // [results, channels, 3, 3], those of each result times its `scale` (null: 1), to kWinogradPlaces packed matrices
  // [channels, results].
  void (*transform_taps)(const float* taps, const float* scale, int64_t results, int64_t channels, float* packed);
  void (*normalize)(const RowNorm&);
  void (*sum_rows)(const RowSums&);
};

// For instruction_set().
const PanelKernels& panel_kernels();
// Whether they are better than oneDNN's at products with constant weights of any size: it has none of its own for these
// instructions, but those of general products.
bool panels_take_all();
// Of one set, null where the machine lacks it: for tests.
const PanelKernels* panel_kernels(InstructionSet set);

}  // namespace vesta::runtime::plan
