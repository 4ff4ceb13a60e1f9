// loss = loss_scale sum_r (log sum_v exp z - (1 - e) z[label] - e mean_v z), z (R, V) = softcap(h W^T + bias)
// h, dh (R, C), W, dw (V, C), bias, dbias (V), token_rows, dtoken_rows (K, C) in place of rows of W, labels,
// prediction i32, row_loss (R); losses, dw, dbias, dtoken_rows f32
// Nothing saved: gradients are made here, a chunk of rows at a time, while its logits are in scratch.

#include "kernels/linear_cross_entropy.h"

#include "kernels/cpu/cross_entropy_row.h"
#include "kernels/cpu/gemm/blocking.h"
#include "kernels/cpu/gemm/gemm.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/launch.h"
#include "kernels/cpu/loss_sum.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

// --- kernels ---------------------------------------------------------------------------------------------

/// dbias (+)= the rows' sum, a range of columns per task, rows in order.
void add_bias_gradient(ThreadPool& pool, const float* gradient, std::int64_t rows, std::int64_t vocabulary,
                       std::int64_t stride, float* out) {
  constexpr std::int64_t kColumns = 1024;  // 4 KiB of each row per task
  pool.run(ceil_divide(vocabulary, kColumns), [&](std::int64_t task, int /*thread*/) {
    const std::int64_t begin = task * kColumns;
    const std::int64_t end = begin + kColumns < vocabulary ? begin + kColumns : vocabulary;
    for (std::int64_t v = begin; v < end; v += Vec::kWidth) {
      const std::int64_t lanes = end - v < Vec::kWidth ? end - v : Vec::kWidth;
      Vec sum = load_partial(out + v, lanes);
      for (std::int64_t r = 0; r < rows; ++r) sum = sum + load_partial(gradient + r * stride + v, lanes);
      store_partial(out + v, sum, lanes);
    }
  });
}

/// logits[ids[i]] = product[rows[i]] + bias[ids[i]], of one row.
void put_token_logits(const TokenRows& tokens, const float* product, const TensorView* bias, float* logits) {
  const std::int32_t* const ids = tokens.ids.data();
  const std::int32_t* const rows = tokens.rows.data();
  const auto count = static_cast<std::int64_t>(tokens.ids.size());
  for (std::int64_t i = 0; i < count; ++i) {
    float added = 0.0F;
    if (bias != nullptr) {
      added = bias->dtype == DType::bf16 ? widen_value(bias->as<const bfloat16>()[ids[i]])
                                         : bias->as<const float>()[ids[i]];
    }
    logits[ids[i]] = product[rows[i]] + added;
  }
}

/// Takes the gradients of those logits out: W's own rows get none, and pass none on.
void take_token_gradients(const TokenRows& tokens, float* dlogits, float* taken) {
  const std::int32_t* const ids = tokens.ids.data();
  const std::int32_t* const rows = tokens.rows.data();
  const auto count = static_cast<std::int64_t>(tokens.ids.size());
  for (std::int64_t i = 0; i < count; ++i) {
    taken[rows[i]] = dlogits[ids[i]];
    dlogits[ids[i]] = 0.0F;
  }
}

/// A row of floats rounded to bfloat16 where it lies: its first half holds them, and nothing reads the rest.
void round_in_place(float* row, std::int64_t count) {
  // Through memory of its own: a compiler may take floats and bfloat16 to lie apart.
  alignas(64) bfloat16 rounded[Vec::kWidth];
  auto* to = reinterpret_cast<std::byte*>(row);
  std::int64_t i = 0;
  for (; i + Vec::kWidth <= count; i += Vec::kWidth, to += sizeof rounded) {
    store(rounded, load(row + i));
    __builtin_memcpy(to, rounded, sizeof rounded);
  }
  store(rounded, load_partial(row + i, count - i));
  __builtin_memcpy(to, rounded, static_cast<std::size_t>(count - i) * sizeof(bfloat16));
}

// --- choose: rows of a chunk, and its products -----------------------------------------------------

// Logits of a chunk: 108 MiB, 563 rows of GPT-2's vocabulary, no more than two thirds of what the head's
// weight takes (512 rows of 768 channels), and 256 rows of any. Fewer rows and packing the weight anew for
// each chunk shows; more and the point of chunks, memory, is lost.
constexpr std::int64_t kChunkFloats = std::int64_t{27} << 20;
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
  std::int64_t stride;  ///< between rows of logits: whole lines of the cache, which tiles then write and read
  std::int64_t tokens;  ///< K
  EvenSplit chunks;

  explicit Problem(const KernelCall& call)
      : arguments(call.as<LinearCrossEntropyArguments>()),
        h(call.inputs[0]),
        w(call.inputs[1]),
        bias(has(call.inputs, 4) ? &call.inputs[4] : nullptr),
        token_rows(has(call.inputs, 5) ? &call.inputs[5] : nullptr),
        rows(h.shape.rows()),
        channels(h.shape.columns()),
        vocabulary(w.shape.rows()),
        stride(whole_cache_lines(vocabulary)),
        tokens(token_rows == nullptr ? 0 : token_rows->shape.rows()) {
    const std::int64_t fitting = minimum(kChunkFloats / (vocabulary > 0 ? vocabulary : 1), channels * 2 / 3);
    chunks = split_by(rows, fitting < kLeastRows ? kLeastRows : fitting);
  }
  [[nodiscard]] bool gradient() const {
    return arguments.hidden_gradient || arguments.weight_gradient || arguments.bias_gradient ||
           arguments.token_gradient;
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
                     {problem.w.data, problem.w.dtype, 1, channels, problem.w.shape.elements()},
                     channels,
                     1.0F};
  out.product_count = 1;
  if (problem.bias != nullptr) out.bias = {problem.bias->data, problem.bias->dtype, 0, 1};
  out.c = logits;
  out.c_stride = problem.stride;
  return out;
}

/// product (rows, K) = h token_rows^T
Gemm token_gemm(const Problem& problem, std::int64_t row, std::int64_t rows, float* product) {
  const std::int64_t channels = problem.channels;
  Gemm out;
  out.rows = rows;
  out.columns = problem.tokens;
  out.products[0] = {{row_of(problem.h, row), problem.h.dtype, channels, 1},
                     {problem.token_rows->data, problem.token_rows->dtype, 1, channels},
                     channels,
                     1.0F};
  out.product_count = 1;
  out.c = product;
  out.c_stride = problem.tokens;
  return out;
}

/// Gradients of a chunk's logits, in h's type: those of the columns of token_rows stand apart.
struct LogitGradients {
  void* logits = nullptr;  ///< (rows, V)
  void* tokens = nullptr;  ///< (rows, K)
};

/// A factor that lies in rows of floats, `stride` floats apart, of h's type: bfloat16 fill half of each.
Matrix gradient_rows(const Problem& problem, const void* data, std::int64_t stride) {
  const DType dtype = problem.h.dtype;
  return {data, dtype, dtype == DType::bf16 ? 2 * stride : stride, 1};
}

/// dh (rows, C) = dlogits W + dtokens token_rows
Gemm hidden_gradient_gemm(const Problem& problem, std::int64_t row, std::int64_t rows,
                          const LogitGradients& gradients, const TensorView& dh) {
  Gemm out;
  out.rows = rows;
  out.columns = problem.channels;
  out.products[0] = {gradient_rows(problem, gradients.logits, problem.stride),
                     {problem.w.data, problem.w.dtype, problem.channels, 1, problem.w.shape.elements()},
                     problem.vocabulary,
                     1.0F};
  out.product_count = 1;
  if (problem.token_rows != nullptr) {
    out.products[1] = {gradient_rows(problem, gradients.tokens, problem.tokens),
                       {problem.token_rows->data, problem.token_rows->dtype, problem.channels, 1},
                       problem.tokens,
                       1.0F};
    out.product_count = 2;
  }
  out.c = row_of(dh, row);
  out.c_dtype = dh.dtype;
  out.c_stride = problem.channels;
  return out;
}

/// dw (V, C) (+)= dlogits^T h, and dtoken_rows (K, C) alike
Gemm weight_gradient_gemm(const Problem& problem, std::int64_t row, std::int64_t rows, const void* dlogits,
                          std::int64_t outputs, std::int64_t stride, const TensorView& dw) {
  const Matrix gradient = gradient_rows(problem, dlogits, stride);
  Gemm out;
  out.rows = outputs;
  out.columns = problem.channels;
  out.products[0] = {{gradient.data, gradient.dtype, 1, gradient.row_stride},
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

struct Scratch {
  float* logits;       ///< (longest chunk, V)
  float* tokens;       ///< (longest chunk, K): logits of token_rows, then their gradients
  std::byte* product;  ///< of one gemm at a time
};
Scratch lay_out(Carver& carver, const Problem& problem, std::size_t product_bytes) {
  const std::int64_t rows = problem.chunks.longest();
  return {carver.take<float>(rows * problem.stride), carver.take<float>(rows * problem.tokens),
          carver.take<std::byte>(static_cast<std::int64_t>(product_bytes))};
}

void linear_cross_entropy(KernelContext& context, const KernelCall& call) {
  const Problem problem(call);
  const LinearCrossEntropyArguments& arguments = problem.arguments;
  const auto* labels = call.inputs[2].as<const std::int32_t>();
  float* row_loss = call.outputs[1].as<float>();
  auto* prediction = call.outputs[2].as<std::int32_t>();
  std::size_t next = 3;
  const TensorView* dh = arguments.hidden_gradient ? &call.outputs[next++] : nullptr;
  const TensorView* dw = arguments.weight_gradient ? &call.outputs[next++] : nullptr;
  const TensorView* dbias = arguments.bias_gradient ? &call.outputs[next++] : nullptr;
  const TensorView* dtokens = arguments.token_gradient ? &call.outputs[next++] : nullptr;

  const auto clear = [&](const TensorView* view) {
    if (view == nullptr || view->accumulate) return;
    __builtin_memset(view->data, 0, static_cast<std::size_t>(view->shape.elements()) * sizeof(float));
  };
  clear(dbias);
  if (problem.rows == 0) {
    clear(dw);
    clear(dtokens);
  }

  const std::int64_t vocabulary = problem.vocabulary;
  const std::int64_t tokens = problem.tokens;
  Carver carver(context.scratch);
  const Scratch scratch = lay_out(carver, problem, 0);
  const LogitGradients gradients{scratch.logits, scratch.tokens};
  const CrossEntropyTerms terms{.softcap = arguments.softcap,
                                .smoothing = arguments.label_smoothing,
                                .scale = *call.inputs[3].as<const float>(),
                                .gradient = problem.gradient()};
  // What is left to do to a row of gradients once their sum, the bias's gradient, has been taken.
  const auto finish_row = [&](std::int64_t r) {
    float* const dlogits = scratch.logits + r * problem.stride;
    float* const taken = scratch.tokens + r * tokens;
    if (tokens > 0) take_token_gradients(arguments.tokens, dlogits, taken);
    if (problem.h.dtype != DType::bf16) return;
    round_in_place(dlogits, vocabulary);
    round_in_place(taken, tokens);
  };
  for (std::int64_t chunk = 0; chunk < problem.chunks.parts && problem.rows > 0; ++chunk) {
    const std::int64_t row = problem.chunks.begin(chunk);
    const std::int64_t rows = problem.chunks.begin(chunk + 1) - row;
    const auto multiply = [&](const Gemm& product) { gemm(context.pool, scratch.product, product); };
    multiply(logits_gemm(problem, row, rows, scratch.logits));
    if (tokens > 0) multiply(token_gemm(problem, row, rows, scratch.tokens));
    context.pool.run(rows, [&](std::int64_t r, int /*thread*/) {
      float* const logits = scratch.logits + r * problem.stride;
      put_token_logits(arguments.tokens, scratch.tokens + r * tokens, problem.bias, logits);
      const CrossEntropyRow result = cross_entropy_row(logits, vocabulary, labels[row + r], terms);
      row_loss[row + r] = result.loss;
      prediction[row + r] = result.prediction;
      if (terms.gradient && dbias == nullptr) finish_row(r);
    });
    if (dbias != nullptr) {
      add_bias_gradient(context.pool, scratch.logits, rows, vocabulary, problem.stride, dbias->as<float>());
      context.pool.run(rows, [&](std::int64_t r, int /*thread*/) { finish_row(r); });
    }
    if (dh != nullptr) multiply(hidden_gradient_gemm(problem, row, rows, gradients, *dh));
    if (dw != nullptr)
      multiply(weight_gradient_gemm(problem, row, rows, scratch.logits, vocabulary, problem.stride, *dw));
    if (dtokens != nullptr)
      multiply(weight_gradient_gemm(problem, row, rows, scratch.tokens, tokens, tokens, *dtokens));
  }
  sum_row_losses(call.outputs[1], call.inputs[3], call.outputs[0]);
}

std::size_t scratch_bytes(const KernelCall& call, int threads) {
  const Problem problem(call);
  const LinearCrossEntropyArguments& arguments = problem.arguments;
  const std::int64_t longest = problem.chunks.longest();
  const TensorView gradient{nullptr, problem.h.dtype, {longest, problem.channels}, true, false};
  std::size_t products = 0;
  const auto at_least = [&](const Gemm& product) {
    const std::size_t bytes = gemm_scratch(product, threads);
    products = bytes > products ? bytes : products;
  };
  // Chunks differ by one row, and a chunk of few rows takes another path with other scratch.
  for (std::int64_t rows = longest > 1 ? longest - 1 : longest; rows <= longest; ++rows) {
    at_least(logits_gemm(problem, 0, rows, nullptr));
    if (problem.tokens > 0) at_least(token_gemm(problem, 0, rows, nullptr));
    if (arguments.hidden_gradient) at_least(hidden_gradient_gemm(problem, 0, rows, {}, gradient));
    if (arguments.weight_gradient)
      at_least(weight_gradient_gemm(problem, 0, rows, nullptr, problem.vocabulary, problem.stride, gradient));
    if (arguments.token_gradient)
      at_least(weight_gradient_gemm(problem, 0, rows, nullptr, problem.tokens, problem.tokens, gradient));
  }
  Carver carver;
  lay_out(carver, problem, products);
  return carver.used();
}

}  // namespace

void register_linear_cross_entropy(KernelTable& table) {
  table.add("linear_cross_entropy", DType::f32, {linear_cross_entropy, scratch_bytes});
  table.add("linear_cross_entropy", DType::bf16, {linear_cross_entropy, scratch_bytes});
}

}  // namespace attune::cpu::ATTUNE_ISA
