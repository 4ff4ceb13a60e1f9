#pragma once

#include <algorithm>
#include <string>

#include "backend/cuda_device.h"
#include "kernels/cuda/quantized_weight.h"
#include "kernels/cuda/tensor.h"
#include "kernels/cuda/token_rows.h"
#include "kernels/kernel.h"
#include "kernels/token_rows.h"

// The host's side of CUDA kernels: <op>.cpp chooses and launches what <op>.cu holds, <op>.h has the structs
// that both know.
namespace attune::cuda {

// A file per op, each with one function that adds its rows to the table.
void register_activation(KernelTable& table);
void register_adamw(KernelTable& table);
void register_add(KernelTable& table);
void register_argmax(KernelTable& table);
void register_attention(KernelTable& table);
void register_attention_backward(KernelTable& table);
void register_binary_cross_entropy(KernelTable& table);
void register_cached_attention(KernelTable& table);
void register_column_sum(KernelTable& table);
void register_contrastive_loss(KernelTable& table);
void register_cross_entropy(KernelTable& table);
void register_dropout(KernelTable& table);
void register_embedding(KernelTable& table);
void register_embedding_noise(KernelTable& table);
void register_gather_rows(KernelTable& table);
void register_l2_normalize(KernelTable& table);
void register_layer_norm(KernelTable& table);
void register_linear(KernelTable& table);
void register_linear_cross_entropy(KernelTable& table);
void register_low_rank_weight_norm(KernelTable& table);
void register_magnitude(KernelTable& table);
void register_mean_squared_error(KernelTable& table);
void register_multiply_add_peak(KernelTable& table);
void register_replace_columns(KernelTable& table);
void register_rms_norm(KernelTable& table);
void register_rotary(KernelTable& table);
void register_sample(KernelTable& table);
void register_scale(KernelTable& table);
void register_segment_mean(KernelTable& table);
void register_span_cross_entropy(KernelTable& table);
void register_stream_read(KernelTable& table);

[[nodiscard]] inline CudaDevice& device_of(KernelContext& context) {
  return static_cast<CudaDevice&>(context.device);
}

/// `name` for the dtype of activations: "rms_norm_forward_f32".
[[nodiscard]] inline std::string entry(const char* name, DType dtype) {
  return std::string(name) + "_" + std::string(name_of(dtype));
}

[[nodiscard]] constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

[[nodiscard]] inline bool has(std::span<const TensorView> views, std::size_t index) {
  return index < views.size() && views[index].present;
}

/// Floats of either dtype, read as the kernel goes; null where the tensor is absent.
[[nodiscard]] inline FloatTensor floats(std::span<const TensorView> views, std::size_t index) {
  if (!has(views, index)) return {};
  return {.data = views[index].data, .bf16 = views[index].dtype == DType::bf16};
}

/// Its address, or null where it is absent.
template <class T = void>
[[nodiscard]] T* data_of(std::span<const TensorView> views, std::size_t index) {
  return has(views, index) ? static_cast<T*>(views[index].data) : nullptr;
}

/// A grid's y and z have no more blocks: kernels whose rows they are go on in steps of them.
inline constexpr std::int64_t kMostBlocksOfY = 65'535;

/// For kernels of one thread for 16 bytes of `dtype` (`for_pack` of elements.cuh).
[[nodiscard]] inline CudaGrid pack_grid(std::int64_t elements, DType dtype) {
  const auto pack = static_cast<std::int64_t>(16 / size_of(dtype));
  return {.x = divide_up(divide_up(elements, pack), kPackThreads), .threads = kPackThreads};
}

/// Cuts scratch into pieces that begin on 256 bytes. Without memory it counts bytes.
class Scratch {
 public:
  explicit Scratch(std::byte* data = nullptr) : data_(data) {}

  template <class T>
  [[nodiscard]] T* take(std::int64_t count) {
    std::byte* const piece = data_ == nullptr ? nullptr : data_ + bytes_;
    bytes_ += (static_cast<std::size_t>(count) * sizeof(T) + 255) / 256 * 256;
    return reinterpret_cast<T*>(piece);
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::byte* data_;
  std::size_t bytes_ = 0;
};

/// to (C) f32 = the sum of the rows of partial (R, C) f32, in order; added to what is there where
/// `accumulate` says so.
void sum_partials(KernelContext& context, const float* partial, std::int64_t rows, std::int64_t columns,
                  float* to, bool accumulate);

/// loss f32 (1) = loss_scale * sum of the row losses, in an order that their number alone fixes.
void sum_row_losses(KernelContext& context, const TensorView& row_loss, const TensorView& loss_scale,
                    const TensorView& loss);

/// Where the parts of a weight of so many elements lie.
[[nodiscard]] QuantizedWeight quantized_weight(DType dtype, const void* data, std::int64_t elements);

[[nodiscard]] TokenRowsView token_rows_on(CudaDevice& device, const TokenRows& tokens);

}  // namespace attune::cuda
