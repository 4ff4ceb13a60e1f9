#include "kernels/cuda/multiply.h"

#include "core/quantization.h"
#include "kernels/cuda/cublaslt_product.h"

namespace attune::cuda {
namespace {

// ---- choose: kernel and split of the depth, by shapes

// Two blocks for each multiprocessor of the largest GPUs of today.
constexpr std::int64_t kBlocks = 264;
// Below this many large tiles small ones, four in place of one, keep more multiprocessors busy.
constexpr std::int64_t kLeastLargeBlocks = 96;
// Depth of a split at the least: its sums, 4 bytes each way, then cost less than the factors it reads.
constexpr std::int64_t kLeastSplit = 512;

enum class ProductKernel : std::uint8_t { thin, small, large };

struct Plan {
  ProductKernel kernel = ProductKernel::small;
  std::int64_t blocks = 0;  ///< of a split
  std::int64_t splits = 1;
  std::int64_t split_depth = 0;
};

[[nodiscard]] Plan plan_of(ProductKernel kernel, std::int64_t blocks, std::int64_t depth) {
  const std::int64_t wanted = std::clamp<std::int64_t>(
      std::min(kBlocks / std::max<std::int64_t>(1, blocks), depth / kLeastSplit), 1, 65535);
  // Whole steps of every kernel's depth.
  const std::int64_t split_depth =
      std::max<std::int64_t>(1, divide_up(divide_up(depth, wanted), kDepthBytes)) * kDepthBytes;
  return {kernel, blocks, std::max<std::int64_t>(1, divide_up(depth, split_depth)), split_depth};
}

[[nodiscard]] Plan choose(const Multiplication& asked) {
  const Product& first = asked.products[0];
  if (is_thin(asked)) {
    const auto outputs = static_cast<std::int64_t>(kThinBytes / size_of(first.left.dtype));
    return plan_of(ProductKernel::thin, divide_up(asked.columns, outputs), first.depth);
  }
  const auto tiles = [&](int tile) { return divide_up(asked.rows, tile) * divide_up(asked.columns, tile); };
  const Plan large = plan_of(ProductKernel::large, tiles(kLargeTile), first.depth);
  if (std::min(asked.rows, asked.columns) > kSmallTile && large.blocks * large.splits >= kLeastLargeBlocks)
    return large;
  return plan_of(ProductKernel::small, tiles(kSmallTile), first.depth);
}

// ---- launch

[[nodiscard]] Factor factor_of(const StoredMatrix& matrix, DType activations) {
  // Of a quantized weight a pack must be of one block.
  const DType dtype = is_quantized(matrix.dtype) ? activations : matrix.dtype;
  return {.data = matrix.data,
          .stride = matrix.stride,
          .transposed = matrix.transposed,
          .packs = aligned(matrix.data, matrix.stride, dtype, 16)};
}

[[nodiscard]] ProductTerm term_of(const Product& product) {
  return {.left = factor_of(product.left, product.left.dtype),
          .right = factor_of(product.right, product.left.dtype),
          .depth = static_cast<int>(product.depth)};
}

/// Products that count, so that one scale divides the other.
void put_terms(MatrixProduct& out, const Multiplication& asked) {
  const Product& first = asked.products[0];
  const Product& second = asked.products[1];
  out.terms[0] = term_of(first);
  out.term_count = 1;
  out.ratio = 1.0F;
  out.scale = first.scale;
  if (asked.product_count == 1 || second.scale == 0.0F) return;
  out.terms[1] = term_of(second);
  out.term_count = 2;
  out.ratio = first.scale / second.scale;
  out.scale = second.scale;
}

[[nodiscard]] MatrixProduct arguments_of(const Multiplication& asked, const Plan& plan, float* partials) {
  const DType dtype = asked.products[0].left.dtype;
  MatrixProduct out{};
  put_terms(out, asked);
  const Product& first = asked.products[0];
  if (is_quantized(first.right.dtype))
    out.quantized = quantized_weight(first.right.dtype, first.right.data, asked.columns * first.depth);
  out.rows = static_cast<int>(asked.rows);
  out.columns = static_cast<int>(asked.columns);
  out.bias = asked.bias;
  out.addend = asked.addend;
  out.addend_stride = asked.addend_stride;
  out.c = asked.c;
  out.c_stride = asked.c_stride;
  out.c_bf16 = asked.c_dtype == DType::bf16;
  out.c_quads = aligned(asked.c, asked.c_stride, asked.c_dtype, 4 * size_of(asked.c_dtype)) &&
                aligned(asked.addend, asked.addend_stride, dtype, 4 * size_of(dtype));
  out.accumulate = asked.accumulate;
  out.partials = plan.splits > 1 ? partials : nullptr;
  out.splits = static_cast<int>(plan.splits);
  out.split_depth = static_cast<int>(plan.split_depth);
  return out;
}

[[nodiscard]] float* take_partials(Scratch& scratch, const Multiplication& asked, const Plan& plan) {
  return plan.splits > 1 ? scratch.take<float>(plan.splits * asked.rows * asked.columns) : nullptr;
}

[[nodiscard]] std::size_t partials_bytes(const Multiplication& asked) {
  Scratch scratch;
  static_cast<void>(take_partials(scratch, asked, choose(asked)));
  return scratch.bytes();
}

void multiply_by_kernels(KernelContext& context, std::byte* scratch, const Multiplication& asked) {
  const Plan plan = choose(asked);
  Scratch pieces(scratch);
  const MatrixProduct arguments = arguments_of(asked, plan, take_partials(pieces, asked, plan));
  const DType dtype = asked.products[0].left.dtype;
  CudaDevice& device = device_of(context);
  const auto launch = [&](const char* module, const char* kernel, int threads, int shared_bytes) {
    const CudaGrid grid{.x = plan.blocks, .y = plan.splits, .threads = threads, .shared_bytes = shared_bytes};
    const std::string prefix = is_quantized(asked.products[0].right.dtype) ? "quantized_" : "";
    const std::string suffix = asked.products[0].left.transposed ? "_transposed" : "";
    device.launch((prefix + module).c_str(), entry((prefix + kernel + suffix).c_str(), dtype), grid,
                  arguments);
  };
  switch (plan.kernel) {
    case ProductKernel::thin:
      launch("thin_product", "product_thin", kThinThreads, 0);
      break;
    case ProductKernel::small:
      launch("small_product", "product_small", kProductThreads<kSmallTile>, kProductSharedBytes<kSmallTile>);
      break;
    case ProductKernel::large:
      launch("large_product", "product_large", kProductThreads<kLargeTile>, kProductSharedBytes<kLargeTile>);
      break;
  }
  if (arguments.partials == nullptr) return;
  device.launch(
      "product_finish", entry("product_finish", dtype),
      {.x = divide_up(asked.rows * divide_up(asked.columns, 4), kFinishThreads), .threads = kFinishThreads},
      arguments);
}

}  // namespace

std::size_t multiply_scratch(const Multiplication& asked) {
  const std::size_t bytes = partials_bytes(asked);
  return asked.product_count == 1 ? bytes : std::max(bytes, partials_bytes(second_alone(asked)));
}

void multiply(KernelContext& context, std::byte* scratch, const Multiplication& asked) {
  const std::optional<CublasLtProduct> taken = cublaslt_product(asked);
  CudaDevice& device = device_of(context);
  if (!taken || !device.can_multiply(taken->product)) return multiply_by_kernels(context, scratch, asked);
  if (taken->before) multiply_by_kernels(context, scratch, *taken->before);
  device.multiply(taken->product);
}

}  // namespace attune::cuda
