#include "kernels/cuda/linear_cross_entropy.h"

#include "kernels/cuda/multiply.h"
#include "kernels/cuda/sum_columns.h"
#include "kernels/linear_cross_entropy.h"

namespace attune::cuda {
namespace {

// ---- choose: rows of a chunk, and its products

// Logits of a chunk: 64 MiB, and 256 rows of any vocabulary. With fewer the gradient of the weight, to which
// every chunk adds, costs more than its product.
constexpr std::int64_t kChunkFloats = std::int64_t{16} << 20;
constexpr std::int64_t kLeastRows = 256;

struct Problem {
  const LinearCrossEntropyArguments& arguments;
  const TensorView& h;
  const TensorView& w;
  const TensorView* bias;
  const TensorView* token_rows;
  std::int64_t rows;
  std::int64_t channels;
  std::int64_t vocabulary;
  std::int64_t tokens;
  std::int64_t stride;  ///< of logits: rows begin on 16 bytes
  std::int64_t token_stride;
  std::int64_t chunk_rows;

  explicit Problem(const KernelCall& call)
      : arguments(call.as<LinearCrossEntropyArguments>()),
        h(call.inputs[0]),
        w(call.inputs[1]),
        bias(has(call.inputs, 4) ? &call.inputs[4] : nullptr),
        token_rows(has(call.inputs, 5) ? &call.inputs[5] : nullptr),
        rows(h.shape.rows()),
        channels(h.shape.columns()),
        vocabulary(w.shape.rows()),
        tokens(token_rows == nullptr ? 0 : token_rows->shape.rows()),
        stride(divide_up(vocabulary, 8) * 8),
        token_stride(divide_up(tokens, 8) * 8),
        chunk_rows(std::max(kLeastRows, kChunkFloats / std::max<std::int64_t>(1, stride))) {}
  [[nodiscard]] bool gradient() const {
    return arguments.hidden_gradient || arguments.weight_gradient || arguments.bias_gradient ||
           arguments.token_gradient;
  }
  [[nodiscard]] std::int64_t longest() const { return std::min(rows, chunk_rows); }
};

/// Of a chunk: gradients are activations, and those of floats lie where the logits were.
struct Pieces {
  float* logits = nullptr;        ///< (longest chunk, V)
  void* gradient = nullptr;       ///< (longest chunk, V)
  float* token_logits = nullptr;  ///< (longest chunk, K)
  void* token_gradient = nullptr;
  float* bias_partial = nullptr;
  std::byte* product = nullptr;
};

template <class T>
[[nodiscard]] T* piece(Scratch& scratch, bool wanted, std::int64_t count) {
  return wanted ? scratch.take<T>(count) : nullptr;
}

[[nodiscard]] Pieces lay_out(Scratch& scratch, const Problem& problem) {
  const std::int64_t rows = problem.longest();
  const bool half = problem.h.dtype == DType::bf16 && problem.gradient();
  const bool tokens = problem.tokens > 0;
  Pieces out;
  out.logits = scratch.take<float>(rows * problem.stride);
  out.gradient = half ? static_cast<void*>(scratch.take<std::uint16_t>(rows * problem.stride)) : out.logits;
  out.token_logits = piece<float>(scratch, tokens, rows * problem.token_stride);
  out.token_gradient = half && tokens
                           ? static_cast<void*>(scratch.take<std::uint16_t>(rows * problem.token_stride))
                           : out.token_logits;
  out.bias_partial =
      piece<float>(scratch, problem.arguments.bias_gradient, column_chunks(rows) * problem.vocabulary);
  out.product = scratch.take<std::byte>(0);
  return out;
}

[[nodiscard]] StoredMatrix hidden_rows(const Problem& problem, std::int64_t row) {
  const std::size_t bytes = static_cast<std::size_t>(row * problem.channels) * size_of(problem.h.dtype);
  return {problem.h.data == nullptr ? nullptr : problem.h.as<std::byte>() + bytes, problem.h.dtype,
          problem.channels};
}

/// to (rows, of `weight`'s rows) = h weight^T + bias
[[nodiscard]] Multiplication logits_of(const Problem& problem, std::int64_t row, std::int64_t rows,
                                       const TensorView& weight, float* to, std::int64_t stride) {
  Multiplication out;
  out.rows = rows;
  out.columns = weight.shape.rows();
  out.products[0] = {hidden_rows(problem, row), stored(weight, true), problem.channels};
  out.c = to;
  out.c_stride = stride;
  return out;
}

/// dh = dlogits W + dtokens token_rows
[[nodiscard]] Multiplication hidden_gradient_of(const Problem& problem, std::int64_t row, std::int64_t rows,
                                                const Pieces& pieces, void* dh) {
  const DType dtype = problem.h.dtype;
  Multiplication out;
  out.rows = rows;
  out.columns = problem.channels;
  out.products[0] = {{pieces.gradient, dtype, problem.stride}, stored(problem.w), problem.vocabulary};
  if (problem.tokens > 0) {
    out.products[1] = {
        {pieces.token_gradient, dtype, problem.token_stride}, stored(*problem.token_rows), problem.tokens};
    out.product_count = 2;
  }
  const std::size_t bytes = static_cast<std::size_t>(row * problem.channels) * size_of(dtype);
  out.c = dh == nullptr ? nullptr : static_cast<std::byte*>(dh) + bytes;
  out.c_dtype = dtype;
  out.c_stride = problem.channels;
  return out;
}

/// dw (columns, C) = or += gradient^T h
[[nodiscard]] Multiplication weight_gradient_of(const Problem& problem, std::int64_t row, std::int64_t rows,
                                                const void* gradient, std::int64_t columns,
                                                std::int64_t stride) {
  Multiplication out;
  out.rows = columns;
  out.columns = problem.channels;
  out.products[0] = {{gradient, problem.h.dtype, stride, true}, hidden_rows(problem, row), rows};
  out.c_stride = problem.channels;
  return out;
}

// ---- launch

struct Gradients {
  const TensorView* h = nullptr;
  const TensorView* w = nullptr;
  const TensorView* bias = nullptr;
  const TensorView* tokens = nullptr;

  explicit Gradients(const KernelCall& call) {
    const auto& arguments = call.as<LinearCrossEntropyArguments>();
    const TensorView* next = call.outputs.data() + 3;
    if (arguments.hidden_gradient) h = next++;
    if (arguments.weight_gradient) w = next++;
    if (arguments.bias_gradient) bias = next++;
    if (arguments.token_gradient) tokens = next++;
  }
};

class Launch {
 public:
  Launch(KernelContext& context, const KernelCall& call)
      : context_(context), device_(device_of(context)), call_(call), problem_(call), to_(call) {
    Scratch scratch(context.scratch.data());
    pieces_ = lay_out(scratch, problem_);
  }

  void run() {
    if (problem_.rows == 0) clear();
    for (std::int64_t row = 0; row < problem_.rows; row += problem_.chunk_rows)
      run_chunk(row, std::min(problem_.chunk_rows, problem_.rows - row));
    sum_row_losses(context_, call_.outputs[1], call_.inputs[3], call_.outputs[0]);
  }

 private:
  void clear() {
    for (const TensorView* view : {to_.w, to_.bias, to_.tokens}) {
      if (view != nullptr && !view->accumulate)
        device_.zero(view->as<std::byte>(), static_cast<std::size_t>(view->shape.elements()) * sizeof(float));
    }
  }

  [[nodiscard]] TokenColumns token_columns() const {
    const TokenRowsView tokens = token_rows_on(device_, problem_.arguments.tokens);
    return {.ids = tokens.ids, .rows = tokens.rows, .count = tokens.count, .stride = problem_.token_stride};
  }

  void multiply(const Multiplication& asked) { cuda::multiply(context_, pieces_.product, asked); }

  void run_chunk(std::int64_t row, std::int64_t rows) {
    Multiplication logits = logits_of(problem_, row, rows, problem_.w, pieces_.logits, problem_.stride);
    logits.bias = floats(call_.inputs, 4);
    multiply(logits);
    if (problem_.tokens > 0)
      multiply(
          logits_of(problem_, row, rows, *problem_.token_rows, pieces_.token_logits, problem_.token_stride));
    lose(row, rows);
    if (to_.bias != nullptr) add_bias_gradient(row, rows);
    if (problem_.tokens > 0 && problem_.gradient()) take_token_gradients(rows);
    if (to_.h != nullptr) multiply(hidden_gradient_of(problem_, row, rows, pieces_, to_.h->data));
    if (to_.w != nullptr) add_weight_gradient(row, rows, pieces_.gradient, problem_.stride, *to_.w);
    if (to_.tokens != nullptr)
      add_weight_gradient(row, rows, pieces_.token_gradient, problem_.token_stride, *to_.tokens);
  }

  void lose(std::int64_t row, std::int64_t rows) {
    device_.launch("linear_cross_entropy", entry("cross_entropy_rows", problem_.h.dtype),
                   {.x = rows, .threads = kCrossEntropyThreads},
                   CrossEntropyRows{.logits = pieces_.logits,
                                    .gradient = problem_.gradient() ? pieces_.gradient : nullptr,
                                    .stride = problem_.stride,
                                    .vocabulary = problem_.vocabulary,
                                    .tokens = token_columns(),
                                    .token_logits = pieces_.token_logits,
                                    .bias = floats(call_.inputs, 4),
                                    .labels = call_.inputs[2].as<const std::int32_t>() + row,
                                    .loss_scale = call_.inputs[3].as<const float>(),
                                    .row_loss = call_.outputs[1].as<float>() + row,
                                    .prediction = call_.outputs[2].as<std::int32_t>() + row,
                                    .softcap = problem_.arguments.softcap,
                                    .smoothing = problem_.arguments.label_smoothing});
  }

  void add_bias_gradient(std::int64_t row, std::int64_t rows) {
    sum_column_chunks(context_,
                      {pieces_.gradient, problem_.h.dtype, rows, problem_.vocabulary, problem_.stride},
                      pieces_.bias_partial);
    sum_partials(context_, pieces_.bias_partial, column_chunks(rows), problem_.vocabulary,
                 to_.bias->as<float>(), to_.bias->accumulate || row > 0);
  }

  void take_token_gradients(std::int64_t rows) {
    const TokenColumns tokens = token_columns();
    device_.launch("linear_cross_entropy", entry("take_token_gradients", problem_.h.dtype),
                   {.x = divide_up(rows * tokens.count, kTokenThreads), .threads = kTokenThreads},
                   TakeTokenGradients{.gradient = pieces_.gradient,
                                      .stride = problem_.stride,
                                      .tokens = tokens,
                                      .taken = pieces_.token_gradient,
                                      .rows = rows});
  }

  void add_weight_gradient(std::int64_t row, std::int64_t rows, const void* gradient, std::int64_t stride,
                           const TensorView& dw) {
    Multiplication asked = weight_gradient_of(problem_, row, rows, gradient, dw.shape.rows(), stride);
    asked.c = dw.data;
    asked.accumulate = dw.accumulate || row > 0;
    multiply(asked);
  }

  KernelContext& context_;
  CudaDevice& device_;
  const KernelCall& call_;
  Problem problem_;
  Gradients to_;
  Pieces pieces_;
};

[[nodiscard]] std::size_t product_scratch(const Problem& problem, std::int64_t rows) {
  std::size_t bytes = 0;
  const auto at_least = [&](const Multiplication& asked) {
    bytes = std::max(bytes, multiply_scratch(asked));
  };
  at_least(logits_of(problem, 0, rows, problem.w, nullptr, problem.stride));
  if (problem.tokens > 0)
    at_least(logits_of(problem, 0, rows, *problem.token_rows, nullptr, problem.token_stride));
  if (!problem.gradient()) return bytes;
  at_least(hidden_gradient_of(problem, 0, rows, {}, nullptr));
  at_least(weight_gradient_of(problem, 0, rows, nullptr, problem.vocabulary, problem.stride));
  at_least(weight_gradient_of(problem, 0, rows, nullptr, problem.tokens, problem.token_stride));
  return bytes;
}

std::size_t scratch_bytes(const KernelCall& call, int /*threads*/) {
  const Problem problem(call);
  Scratch scratch;
  static_cast<void>(lay_out(scratch, problem));
  // The last chunk has fewer rows, and may be multiplied another way.
  const std::int64_t last = problem.rows % problem.chunk_rows;
  return scratch.bytes() +
         std::max(product_scratch(problem, problem.longest()), product_scratch(problem, last));
}

}  // namespace

void register_linear_cross_entropy(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16})
    table.add(
        "linear_cross_entropy", dtype,
        {[](KernelContext& context, const KernelCall& call) { Launch(context, call).run(); }, scratch_bytes});
}

}  // namespace attune::cuda
