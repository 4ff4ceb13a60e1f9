#include "kernels/contrastive_loss.h"

#include "kernels/cuda/contrastive_loss.h"
#include "kernels/cuda/kernels.h"

namespace attune::cuda {
namespace {

struct Pieces {
  float* anchor_factors;     ///< 1 / length of each anchor
  float* candidate_factors;  ///< of each candidate
  float* scores;             ///< (R, N)
  float* arriving;           ///< (R, D), then (N, D)
};

[[nodiscard]] Pieces lay_out(Scratch& scratch, const KernelCall& call) {
  const std::int64_t anchors = call.inputs[0].shape.rows();
  const std::int64_t candidates = call.inputs[1].shape.rows();
  return {.anchor_factors = scratch.take<float>(anchors),
          .candidate_factors = scratch.take<float>(candidates),
          .scores = scratch.take<float>(anchors * candidates),
          .arriving = scratch.take<float>(std::max(anchors, candidates) * call.inputs[0].shape.columns())};
}

std::size_t scratch_of(const KernelCall& call, int /*threads*/) {
  Scratch scratch;
  static_cast<void>(lay_out(scratch, call));
  return scratch.bytes();
}

[[nodiscard]] CudaGrid rows_grid(std::int64_t rows) {
  return {.x = divide_up(rows, kContrastiveThreads / 32), .threads = kContrastiveThreads};
}

void find_factors(CudaDevice& device, const TensorView& x, float* factors) {
  const std::int64_t rows = x.shape.rows();
  device.launch(
      "contrastive_loss", entry("contrastive_factors", x.dtype), rows_grid(rows),
      ContrastiveFactors{.x = x.data, .factors = factors, .rows = rows, .columns = x.shape.columns()});
}

/// The rows of a tensor (rows, depth), or its columns.
[[nodiscard]] ContrastiveFactor rows_of(const TensorView& x) {
  return {.data = {.data = x.data, .bf16 = x.dtype == DType::bf16},
          .stride = x.shape.columns(),
          .depth_stride = 1};
}
[[nodiscard]] ContrastiveFactor columns_of(const TensorView& x) {
  return {.data = {.data = x.data, .bf16 = x.dtype == DType::bf16},
          .stride = 1,
          .depth_stride = x.shape.columns()};
}

void multiply(CudaDevice& device, const ContrastiveProduct& product) {
  device.launch("contrastive_loss", "contrastive_product",
                {.x = divide_up(product.rows, kContrastiveTile),
                 .y = divide_up(product.columns, kContrastiveTile),
                 .threads = kContrastiveThreads},
                product);
}

/// dx of `rows`, one of the pair: `weights`(i, j) is what row i's score with row j of `others` is worth.
void pair_gradient(CudaDevice& device, const TensorView& rows, const float* factors, const TensorView& others,
                   const float* other_factors, const ContrastiveFactor& weights, float* arriving,
                   const TensorView& dx) {
  const std::int64_t columns = rows.shape.columns();
  multiply(device, {.left = weights,
                    .right = columns_of(others),
                    .depth_factors = other_factors,
                    .to = arriving,
                    .rows = rows.shape.rows(),
                    .columns = columns,
                    .depth = others.shape.rows()});
  device.launch("contrastive_loss", entry("contrastive_gradient", rows.dtype), rows_grid(rows.shape.rows()),
                ContrastiveGradient{.arriving = arriving,
                                    .x = rows.data,
                                    .factors = factors,
                                    .dx = dx.data,
                                    .rows = rows.shape.rows(),
                                    .columns = columns});
}

void run(KernelContext& context, const KernelCall& call) {
  const auto& arguments = call.as<ContrastiveLossArguments>();
  const TensorView& a = call.inputs[0];
  const TensorView& c = call.inputs[1];
  const std::int64_t anchors = a.shape.rows();
  const std::int64_t candidates = c.shape.rows();
  Scratch scratch(context.scratch.data());
  const Pieces pieces = lay_out(scratch, call);
  CudaDevice& device = device_of(context);
  find_factors(device, a, pieces.anchor_factors);
  find_factors(device, c, pieces.candidate_factors);
  multiply(device, {.left = rows_of(a),
                    .right = rows_of(c),
                    .depth_factors = nullptr,
                    .to = pieces.scores,
                    .rows = anchors,
                    .columns = candidates,
                    .depth = a.shape.columns()});
  device.launch("contrastive_loss", "contrastive_rows", rows_grid(anchors),
                ContrastiveRows{.scores = pieces.scores,
                                .anchor_factors = pieces.anchor_factors,
                                .candidate_factors = pieces.candidate_factors,
                                .labels = call.inputs[2].as<const std::int32_t>(),
                                .loss_scale = call.inputs[3].as<const float>(),
                                .row_loss = call.outputs[1].as<float>(),
                                .prediction = call.outputs[2].as<std::int32_t>(),
                                .rows = anchors,
                                .candidates = candidates,
                                .scale = arguments.scale,
                                .gradient = arguments.anchors_gradient || arguments.candidates_gradient});
  sum_row_losses(context, call.outputs[1], call.inputs[3], call.outputs[0]);

  const FloatTensor scores{.data = pieces.scores};
  std::size_t next = 3;
  if (arguments.anchors_gradient) {
    pair_gradient(device, a, pieces.anchor_factors, c, pieces.candidate_factors,
                  {.data = scores, .stride = candidates, .depth_stride = 1}, pieces.arriving,
                  call.outputs[next++]);
  }
  if (arguments.candidates_gradient) {
    pair_gradient(device, c, pieces.candidate_factors, a, pieces.anchor_factors,
                  {.data = scores, .stride = 1, .depth_stride = candidates}, pieces.arriving,
                  call.outputs[next]);
  }
}

}  // namespace

void register_contrastive_loss(KernelTable& table) {
  for (const DType dtype : {DType::f32, DType::bf16}) table.add("contrastive_loss", dtype, {run, scratch_of});
}

}  // namespace attune::cuda
