// loss = loss_scale sum_r (log sum_v exp z - (1 - e) z[label] - e mean_v z), z (R, V) = softcap(h W^T + bias)
// h, dh (R, C), W, dw (V, C), bias, dbias (V), labels, prediction i32, row_loss (R); losses, dw, dbias f32
// Nothing saved: gradients are made here, a chunk of rows at a time, while its logits are in scratch.

#include "kernels/linear_cross_entropy.h"

#include "core/aligned_memory.h"
#include "kernels/cpu/cross_entropy_row.h"
#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/gemm/gemm.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/loss_sum.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// --- kernels ---------------------------------------------------------------------------------------------

/// dbias (+)= the rows' sum, a range of columns per task, rows in order.
void add_bias_gradient(ThreadPool& pool, const float* gradient, std::int64_t rows, std::int64_t vocabulary,
                       float* out) {
  constexpr std::int64_t kColumns = 1024;  // 4 KiB of each row per task
  pool.run(ceil_divide(vocabulary, kColumns), [&](std::int64_t task, int /*thread*/) {
    const std::int64_t begin = task * kColumns;
    const std::int64_t end = begin + kColumns < vocabulary ? begin + kColumns : vocabulary;
    for (std::int64_t v = begin; v < end; v += Vec::kWidth) {
      const std::int64_t lanes = end - v < Vec::kWidth ? end - v : Vec::kWidth;
      Vec sum = load_partial(out + v, lanes);
      for (std::int64_t r = 0; r < rows; ++r) sum = sum + load_partial(gradient + r * vocabulary + v, lanes);
      store_partial(out + v, sum, lanes);
    }
  });
}

// --- choose: rows of a chunk, and its three products -----------------------------------------------------

// Logits of a chunk: 64 MiB, 333 rows of GPT-2's vocabulary. Fewer rows and packing the head's weight anew
// for each chunk shows; more and the point of chunks, memory, is lost.
constexpr std::int64_t kChunkFloats = std::int64_t{16} << 20;
constexpr std::int64_t kLeastRows = 64;

struct Problem {
  const LinearCrossEntropyArguments& arguments;
  const TensorView& h;
  const TensorView& w;
  const TensorView* bias;
  std::int64_t rows;
  std::int64_t channels;
  std::int64_t vocabulary;
  EvenSplit chunks;

  explicit Problem(const KernelCall& call)
      : arguments(call.as<LinearCrossEntropyArguments>()),
        h(call.inputs[0]),
        w(call.inputs[1]),
        bias(call.inputs.size() > 4 && call.inputs[4].present ? &call.inputs[4] : nullptr),
        rows(h.shape.rows()),
        channels(h.shape.columns()),
        vocabulary(w.shape.rows()) {
    const std::int64_t fitting = kChunkFloats / (vocabulary > 0 ? vocabulary : 1);
    chunks = split_by(rows, fitting < kLeastRows ? kLeastRows : fitting);
  }
  [[nodiscard]] bool gradient() const {
    return arguments.hidden_gradient || arguments.weight_gradient || arguments.bias_gradient;
  }
};

template <class T>
T* advance(void* data, std::int64_t elements) {
  return data == nullptr ? nullptr : static_cast<T*>(data) + elements;
}
void* row_of(const TensorView& view, std::int64_t row) {
  const std::int64_t offset = row * view.shape.columns();
  return view.dtype == DType::bf16 ? static_cast<void*>(advance<bfloat16>(view.data, offset))
                                   : static_cast<void*>(advance<float>(view.data, offset));
}

/// logits (rows, V) = h W^T + bias
Gemm logits_gemm(const Problem& problem, std::int64_t row, std::int64_t rows, float* logits) {
  const std::int64_t channels = problem.channels;
  Gemm out;
  out.rows = rows;
  out.columns = problem.vocabulary;
  out.products[0] = {{row_of(problem.h, row), problem.h.dtype, channels, 1},
                     {problem.w.data, problem.w.dtype, 1, channels},
                     channels,
                     1.0F};
  out.product_count = 1;
  if (problem.bias != nullptr) out.bias = {problem.bias->data, problem.bias->dtype, 0, 1};
  out.c = logits;
  out.c_stride = problem.vocabulary;
  return out;
}

/// dh (rows, C) = dlogits W
Gemm hidden_gradient_gemm(const Problem& problem, std::int64_t row, std::int64_t rows, float* dlogits,
                          const TensorView& dh) {
  Gemm out;
  out.rows = rows;
  out.columns = problem.channels;
  out.products[0] = {{dlogits, DType::f32, problem.vocabulary, 1},
                     {problem.w.data, problem.w.dtype, problem.channels, 1},
                     problem.vocabulary,
                     1.0F};
  out.product_count = 1;
  out.c = row_of(dh, row);
  out.c_dtype = dh.dtype;
  out.c_stride = problem.channels;
  return out;
}

/// dw (V, C) (+)= dlogits^T h
Gemm weight_gradient_gemm(const Problem& problem, std::int64_t row, std::int64_t rows, float* dlogits,
                          const TensorView& dw) {
  Gemm out;
  out.rows = problem.vocabulary;
  out.columns = problem.channels;
  out.products[0] = {{dlogits, DType::f32, 1, problem.vocabulary},
                     {row_of(problem.h, row), problem.h.dtype, problem.channels, 1},
                     rows,
                     1.0F};
  out.product_count = 1;
  out.c = dw.data;
  out.c_stride = problem.channels;
  out.accumulate = dw.accumulate || row > 0;
  return out;
}

// --- launch ----------------------------------------------------------------------------------------------

void linear_cross_entropy(KernelContext& context, const KernelCall& call) {
  const Problem problem(call);
  const auto* labels = call.inputs[2].as<const std::int32_t>();
  float* row_loss = call.outputs[1].as<float>();
  auto* prediction = call.outputs[2].as<std::int32_t>();
  std::size_t next = 3;
  const TensorView* dh = problem.arguments.hidden_gradient ? &call.outputs[next++] : nullptr;
  const TensorView* dw = problem.arguments.weight_gradient ? &call.outputs[next++] : nullptr;
  const TensorView* dbias = problem.arguments.bias_gradient ? &call.outputs[next++] : nullptr;

  const auto clear = [&](const TensorView* view) {
    if (view == nullptr || view->accumulate) return;
    __builtin_memset(view->data, 0, static_cast<std::size_t>(view->shape.elements()) * sizeof(float));
  };
  clear(dbias);
  if (problem.rows == 0) clear(dw);

  const std::int64_t vocabulary = problem.vocabulary;
  float* logits = reinterpret_cast<float*>(context.scratch.data());
  std::byte* product_scratch =
      context.scratch.data() +
      align_up(static_cast<std::size_t>(problem.chunks.longest() * vocabulary) * sizeof(float));
  const CrossEntropyTerms terms{.softcap = problem.arguments.softcap,
                                .smoothing = problem.arguments.label_smoothing,
                                .scale = *call.inputs[3].as<const float>(),
                                .gradient = problem.gradient()};
  for (std::int64_t chunk = 0; chunk < problem.chunks.parts && problem.rows > 0; ++chunk) {
    const std::int64_t row = problem.chunks.begin(chunk);
    const std::int64_t rows = problem.chunks.begin(chunk + 1) - row;
    gemm(context.pool, product_scratch, logits_gemm(problem, row, rows, logits));
    context.pool.run(rows, [&](std::int64_t r, int /*thread*/) {
      const CrossEntropyRow result =
          cross_entropy_row(logits + r * vocabulary, vocabulary, labels[row + r], terms);
      row_loss[row + r] = result.loss;
      prediction[row + r] = result.prediction;
    });
    if (dh != nullptr)
      gemm(context.pool, product_scratch, hidden_gradient_gemm(problem, row, rows, logits, *dh));
    if (dw != nullptr)
      gemm(context.pool, product_scratch, weight_gradient_gemm(problem, row, rows, logits, *dw));
    if (dbias != nullptr) add_bias_gradient(context.pool, logits, rows, vocabulary, dbias->as<float>());
  }
  sum_row_losses(call.outputs[1], call.inputs[3], call.outputs[0]);
}

std::size_t scratch(const KernelCall& call, int threads) {
  const Problem problem(call);
  const std::int64_t rows = problem.chunks.longest();
  const TensorView gradient{nullptr, problem.h.dtype, {rows, problem.channels}, true, false};
  std::size_t products = gemm_scratch(logits_gemm(problem, 0, rows, nullptr), threads);
  const auto at_least = [&](std::size_t bytes) { products = bytes > products ? bytes : products; };
  // Chunks differ by one row, and a chunk of at most kStreamingRows rows takes another path with other
  // scratch.
  if (rows > 1) at_least(gemm_scratch(logits_gemm(problem, 0, rows - 1, nullptr), threads));
  if (problem.arguments.hidden_gradient) {
    at_least(gemm_scratch(hidden_gradient_gemm(problem, 0, rows, nullptr, gradient), threads));
    if (rows > 1)
      at_least(gemm_scratch(hidden_gradient_gemm(problem, 0, rows - 1, nullptr, gradient), threads));
  }
  if (problem.arguments.weight_gradient) {
    at_least(gemm_scratch(weight_gradient_gemm(problem, 0, rows, nullptr, gradient), threads));
    if (rows > 1)
      at_least(gemm_scratch(weight_gradient_gemm(problem, 0, rows - 1, nullptr, gradient), threads));
  }
  return align_up(static_cast<std::size_t>(rows * problem.vocabulary) * sizeof(float)) + products;
}

}  // namespace

void register_linear_cross_entropy(KernelTable& table) {
  table.add("linear_cross_entropy", DType::f32, {linear_cross_entropy, scratch});
  table.add("linear_cross_entropy", DType::bf16, {linear_cross_entropy, scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
