// loss = loss_scale sum_r (log sum_v exp z[r, v] - (1 - e) z[r, label] - e mean_v z[r, v]), z = softcap(h W^T + bias)
// h, dh (R, C), W, dw (V, C), labels, prediction i32 (R), bias, dbias (V), loss (1), row_loss (R); loss, dw, dbias float32
// Nothing saved: gradients are made here, a chunk of rows at a time, while that chunk's logits are in scratch.

#include "kernels/linear_cross_entropy.h"

#include "core/aligned_memory.h"
#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/gemm/gemm.h"
#include "kernels/cpu/kernels.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// --- kernels: one row of logits ----------------------------------------------------------------------------------

// Float32 within a block of a row, double between blocks: the error then grows with 1024 elements, not with the
// vocabulary. The first maximum is looked for vector by vector in blocks, then one by one in the block that has it.
constexpr std::int64_t kLogitBlock = 1024;

struct RowResult {
  float loss = 0.0F;
  std::int32_t prediction = 0;
};

struct RowTerms {
  float softcap = 0.0F;
  float smoothing = 0.0F;
  float scale = 0.0F;    ///< of the gradient
  bool gradient = false;
};

ATTUNE_INLINE std::int64_t lanes(std::int64_t left) { return left < Vec::kWidth ? left : Vec::kWidth; }

/// Calls body(offset, lanes) over `count` elements, whole vectors first.
template <class Body>
ATTUNE_INLINE void for_vectors(std::int64_t count, const Body& body) {
  for (std::int64_t v = 0; v < count; v += Vec::kWidth) body(v, lanes(count - v));
}

void cap_row(float* logits, std::int64_t count, float softcap) {
  const Vec cap = broadcast(softcap);
  const Vec inverse = broadcast(1.0F / softcap);
  for_vectors(count, [&](std::int64_t v, std::int64_t n) {
    store_partial(logits + v, cap * tanh(inverse * load_partial(logits + v, n)), n);
  });
}

float block_maximum(const float* logits, std::int64_t count) {
  Vec best = broadcast(logits[0]);
  std::int64_t v = 0;
  for (; v + Vec::kWidth <= count; v += Vec::kWidth) best = max(load(logits + v), best);
  float out = reduce_max(best);
  for (; v < count; ++v) out = logits[v] > out ? logits[v] : out;
  return out;
}

std::int32_t first_maximum(const float* logits, std::int64_t count) {
  std::int64_t best_block = 0;
  float best = block_maximum(logits, count < kLogitBlock ? count : kLogitBlock);
  for (std::int64_t v = kLogitBlock; v < count; v += kLogitBlock) {
    const float here = block_maximum(logits + v, count - v < kLogitBlock ? count - v : kLogitBlock);
    if (here > best) {
      best = here;
      best_block = v;
    }
  }
  for (std::int64_t v = best_block; v < count && v < best_block + kLogitBlock; ++v) {
    if (logits[v] == best) return static_cast<std::int32_t>(v);
  }
  return static_cast<std::int32_t>(best_block);
}

/// Sum of exp(z - shift); four chains hide the latency of exp and shorten the sums.
float block_sum_of_exponentials(const float* logits, std::int64_t count, float shift) {
  const Vec maximum = broadcast(shift);
  Vec sum[4] = {zero(), zero(), zero(), zero()};
  std::int64_t v = 0;
  for (; v + 4 * Vec::kWidth <= count; v += 4 * Vec::kWidth) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) sum[i] = sum[i] + exp(load(logits + v + i * Vec::kWidth) - maximum);
  }
  float out = reduce_add((sum[0] + sum[1]) + (sum[2] + sum[3]));
  alignas(64) float last[Vec::kWidth];
  for (; v < count; v += Vec::kWidth) {
    const std::int64_t n = lanes(count - v);
    store(last, exp(load_partial(logits + v, n) - maximum));
    for (std::int64_t i = 0; i < n; ++i) out += last[i];
  }
  return out;
}

float block_sum(const float* logits, std::int64_t count) {
  Vec sum = zero();
  for_vectors(count, [&](std::int64_t v, std::int64_t n) { sum = sum + load_partial(logits + v, n); });
  return reduce_add(sum);
}

template <class Block>
ATTUNE_INLINE double sum_of_blocks(std::int64_t count, const Block& block) {
  double sum = 0.0;
  for (std::int64_t v = 0; v < count; v += kLogitBlock) {
    sum += static_cast<double>(block(v, count - v < kLogitBlock ? count - v : kLogitBlock));
  }
  return sum;
}

/// logits (V) become d loss / d logits where the gradient is wanted:
///   scale (softmax - e / V - (1 - e) [v = label]), times 1 - (z / softcap)^2 for a capped z.
RowResult cross_entropy_row(float* logits, std::int64_t count, std::int32_t label, const RowTerms& terms) {
  if (terms.softcap > 0.0F) cap_row(logits, count, terms.softcap);
  RowResult out;
  out.prediction = first_maximum(logits, count);
  const float maximum = logits[out.prediction];
  const double sum = sum_of_blocks(count, [&](std::int64_t v, std::int64_t n) {
    return block_sum_of_exponentials(logits + v, n, maximum);
  });
  const double log_sum = static_cast<double>(maximum) + __builtin_log(sum);
  const float target = logits[label];
  const double smoothing = static_cast<double>(terms.smoothing);
  double loss = log_sum - (1.0 - smoothing) * static_cast<double>(target);
  if (terms.smoothing > 0.0F) {
    const double total = sum_of_blocks(count, [&](std::int64_t v, std::int64_t n) { return block_sum(logits + v, n); });
    loss -= smoothing * total / static_cast<double>(count);
  }
  out.loss = static_cast<float>(loss);
  if (!terms.gradient) return out;

  const Vec shift = broadcast(maximum);
  const Vec factor = broadcast(static_cast<float>(static_cast<double>(terms.scale) / sum));
  const float spread = terms.scale * terms.smoothing / static_cast<float>(count);
  float at_label = terms.scale * (1.0F - terms.smoothing);
  if (terms.softcap > 0.0F) {
    const Vec inverse_cap = broadcast(1.0F / terms.softcap);
    for_vectors(count, [&](std::int64_t v, std::int64_t n) {
      const Vec z = load_partial(logits + v, n);
      const Vec ratio = inverse_cap * z;
      const Vec slope = fnma(ratio, ratio, broadcast(1.0F));
      store_partial(logits + v, (exp(z - shift) * factor - broadcast(spread)) * slope, n);
    });
    const float ratio = target / terms.softcap;
    at_label *= 1.0F - ratio * ratio;
  } else {
    for_vectors(count, [&](std::int64_t v, std::int64_t n) {
      store_partial(logits + v, fma(exp(load_partial(logits + v, n) - shift), factor, broadcast(-spread)), n);
    });
  }
  logits[label] -= at_label;
  return out;
}

/// dbias (+)= the rows' sum, a range of columns per task, rows in order.
void add_bias_gradient(ThreadPool& pool, const float* gradient, std::int64_t rows, std::int64_t vocabulary, float* out) {
  constexpr std::int64_t kColumns = 1024;  // 4 KiB of each row per task
  pool.run(ceil_divide(vocabulary, kColumns), [&](std::int64_t task, int /*thread*/) {
    const std::int64_t begin = task * kColumns;
    for_vectors(vocabulary - begin < kColumns ? vocabulary - begin : kColumns, [&](std::int64_t v, std::int64_t n) {
      Vec sum = load_partial(out + begin + v, n);
      for (std::int64_t r = 0; r < rows; ++r) sum = sum + load_partial(gradient + r * vocabulary + begin + v, n);
      store_partial(out + begin + v, sum, n);
    });
  });
}

// --- choose: rows of a chunk, and its three products -------------------------------------------------------------

// Logits of a chunk: 64 MiB, 333 rows of GPT-2's vocabulary. Fewer rows and packing the head's weight anew for each chunk
// shows; more and the point of chunks, memory, is lost.
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

// --- launch ------------------------------------------------------------------------------------------------------

void linear_cross_entropy(KernelContext& context, const KernelCall& call) {
  const Problem problem(call);
  const auto* labels = call.inputs[2].as<const std::int32_t>();
  const float loss_scale = *call.inputs[3].as<const float>();
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
  const RowTerms terms{problem.arguments.softcap, problem.arguments.label_smoothing, loss_scale, problem.gradient()};
  double sum = 0.0;
  for (std::int64_t chunk = 0; chunk < problem.chunks.parts && problem.rows > 0; ++chunk) {
    const std::int64_t row = problem.chunks.begin(chunk);
    const std::int64_t rows = problem.chunks.begin(chunk + 1) - row;
    gemm(context.pool, product_scratch, logits_gemm(problem, row, rows, logits));
    context.pool.run(rows, [&](std::int64_t r, int /*thread*/) {
      const RowResult result = cross_entropy_row(logits + r * vocabulary, vocabulary, labels[row + r], terms);
      row_loss[row + r] = result.loss;
      prediction[row + r] = result.prediction;
    });
    for (std::int64_t r = row; r < row + rows; ++r) sum += static_cast<double>(row_loss[r]);
    if (dh != nullptr) gemm(context.pool, product_scratch, hidden_gradient_gemm(problem, row, rows, logits, *dh));
    if (dw != nullptr) gemm(context.pool, product_scratch, weight_gradient_gemm(problem, row, rows, logits, *dw));
    if (dbias != nullptr) add_bias_gradient(context.pool, logits, rows, vocabulary, dbias->as<float>());
  }
  *call.outputs[0].as<float>() = static_cast<float>(static_cast<double>(loss_scale) * sum);
}

std::size_t scratch(const KernelCall& call, int threads) {
  const Problem problem(call);
  const std::int64_t rows = problem.chunks.longest();
  const TensorView gradient{nullptr, problem.h.dtype, {rows, problem.channels}, true, false};
  std::size_t products = gemm_scratch(logits_gemm(problem, 0, rows, nullptr), threads);
  const auto at_least = [&](std::size_t bytes) { products = bytes > products ? bytes : products; };
  // Chunks differ by one row, and a chunk of at most kStreamingRows rows takes another path with other scratch.
  if (rows > 1) at_least(gemm_scratch(logits_gemm(problem, 0, rows - 1, nullptr), threads));
  if (problem.arguments.hidden_gradient) {
    at_least(gemm_scratch(hidden_gradient_gemm(problem, 0, rows, nullptr, gradient), threads));
    if (rows > 1) at_least(gemm_scratch(hidden_gradient_gemm(problem, 0, rows - 1, nullptr, gradient), threads));
  }
  if (problem.arguments.weight_gradient) {
    at_least(gemm_scratch(weight_gradient_gemm(problem, 0, rows, nullptr, gradient), threads));
    if (rows > 1) at_least(gemm_scratch(weight_gradient_gemm(problem, 0, rows - 1, nullptr, gradient), threads));
  }
  return align_up(static_cast<std::size_t>(rows * problem.vocabulary) * sizeof(float)) + products;
}

}  // namespace

void register_linear_cross_entropy(KernelTable& table) {
  table.add("linear_cross_entropy", DType::f32, {linear_cross_entropy, scratch});
  table.add("linear_cross_entropy", DType::bf16, {linear_cross_entropy, scratch});
}

}  // namespace attune::cpu::ATTUNE_ISA
