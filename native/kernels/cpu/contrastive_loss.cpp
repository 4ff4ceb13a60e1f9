// contrastive_loss: cross-entropy over scale * cosine(anchor, candidate). anchors, danchors (R, D);
// candidates, dcandidates (N, D); labels, prediction i32 (R); row_loss float32 (R). The scores, (R, N) in
// scratch, become their gradients in place; a pair's two gradients are sums over a row and a column of them.

#include "kernels/contrastive_loss.h"

#include "kernels/cpu/cross_entropy_row.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/loss_sum.h"
#include "kernels/cpu/unit_rows.h"

namespace attune::cpu::ATTUNE_ISA {
namespace {

/// As torch.nn.functional.normalize.
constexpr float kEps = 1e-12F;

struct Scratch {
  float* anchor_factors;     ///< 1 / length of each anchor
  float* candidate_factors;  ///< of each candidate
  float* scores;             ///< (R, N)
  float* sums;               ///< a row of D for each thread
  std::int64_t sum_stride;
};

Scratch lay_out(Carver& carver, const KernelCall& call, int threads) {
  const std::int64_t anchors = call.inputs[0].shape.rows();
  const std::int64_t candidates = call.inputs[1].shape.rows();
  const std::int64_t stride = divide_up(call.inputs[0].shape.columns(), 16) * 16;
  Scratch scratch{};
  scratch.anchor_factors = carver.take<float>(anchors);
  scratch.candidate_factors = carver.take<float>(candidates);
  scratch.scores = carver.take<float>(anchors * candidates);
  scratch.sums = carver.take<float>(stride * threads);
  scratch.sum_stride = stride;
  return scratch;
}

std::size_t scratch_of(const KernelCall& call, int threads) {
  Carver carver;
  lay_out(carver, call, threads);
  return carver.used();
}

/// dx[i] = gradient by row i of sum over j of scale * g(i, j) * cosine(row i, other row j).
template <class T, class Weight>
void pair_gradients(ThreadPool& pool, const TensorView& rows, const float* row_factors,
                    const TensorView& others, const float* other_factors, float scale, const Weight& g,
                    const TensorView& out, const Scratch& scratch) {
  const std::int64_t d = rows.shape.columns();
  const auto* x = rows.as<const T>();
  const auto* y = others.as<const T>();
  auto* dx = out.as<T>();
  pool.run(rows.shape.rows(), [&](std::int64_t i, int thread) {
    float* const sum = scratch.sums + thread * scratch.sum_stride;
    for_vectors(d, [&](std::int64_t c, auto lanes) {
      Vec total = zero();
      for (std::int64_t j = 0; j < others.shape.rows(); ++j) {
        total = fma(broadcast(scale * g(i, j) * other_factors[j]), load(y + j * d + c, lanes), total);
      }
      store(sum + c, total, lanes);
    });
    unit_row_gradient(sum, x + i * d, row_factors[i], kEps, dx + i * d, d);
  });
}

template <class T>
void run_contrastive_loss(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<ContrastiveLossArguments>();
  Carver carver(context.scratch);
  const Scratch scratch = lay_out(carver, call, context.pool.threads());
  const std::int64_t anchors = call.inputs[0].shape.rows();
  const std::int64_t candidates = call.inputs[1].shape.rows();
  const std::int64_t d = call.inputs[0].shape.columns();
  const auto* a = call.inputs[0].as<const T>();
  const auto* c = call.inputs[1].as<const T>();
  const auto* labels = call.inputs[2].as<const std::int32_t>();
  auto* row_loss = call.outputs[1].as<float>();
  auto* prediction = call.outputs[2].as<std::int32_t>();
  const CrossEntropyTerms terms{.smoothing = 0.0F,
                                .scale = *call.inputs[3].as<const float>(),
                                .gradient = arguments.anchors_gradient || arguments.candidates_gradient,
                                .class_weights = nullptr,
                                .focal_gamma = 0.0F};
  context.pool.run(anchors + candidates, [&](std::int64_t row, int) {
    if (row < anchors) {
      scratch.anchor_factors[row] = unit_factor(a + row * d, d, kEps);
    } else {
      scratch.candidate_factors[row - anchors] = unit_factor(c + (row - anchors) * d, d, kEps);
    }
  });
  context.pool.run(anchors, [&](std::int64_t r, int) {
    float* const scores = scratch.scores + r * candidates;
    const float factor = arguments.scale * scratch.anchor_factors[r];
    for (std::int64_t n = 0; n < candidates; ++n) {
      scores[n] = factor * scratch.candidate_factors[n] * row_product(a + r * d, c + n * d, d);
    }
    const CrossEntropyRow result = cross_entropy_row(scores, candidates, labels[r], terms);
    row_loss[r] = result.loss;
    prediction[r] = result.prediction;
  });
  sum_row_losses(call.outputs[1], call.inputs[3], call.outputs[0]);

  const float* const g = scratch.scores;
  std::size_t next = 3;
  if (arguments.anchors_gradient) {
    pair_gradients<T>(
        context.pool, call.inputs[0], scratch.anchor_factors, call.inputs[1], scratch.candidate_factors,
        arguments.scale, [&](std::int64_t i, std::int64_t j) { return g[i * candidates + j]; },
        call.outputs[next++], scratch);
  }
  if (arguments.candidates_gradient) {
    pair_gradients<T>(
        context.pool, call.inputs[1], scratch.candidate_factors, call.inputs[0], scratch.anchor_factors,
        arguments.scale, [&](std::int64_t i, std::int64_t j) { return g[j * candidates + i]; },
        call.outputs[next], scratch);
  }
}

}  // namespace

void register_contrastive_loss(KernelTable& table) {
  table.add("contrastive_loss", DType::f32, {run_contrastive_loss<float>, scratch_of});
  table.add("contrastive_loss", DType::bf16, {run_contrastive_loss<bfloat16>, scratch_of});
}

}  // namespace attune::cpu::ATTUNE_ISA
