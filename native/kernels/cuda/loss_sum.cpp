#include "kernels/cuda/loss_sum.h"

#include "kernels/cuda/kernels.h"

namespace attune::cuda {

void sum_row_losses(KernelContext& context, const TensorView& row_loss, const TensorView& loss_scale,
                    const TensorView& loss) {
  device_of(context).launch("loss_sum", "loss_sum", {.threads = kLossSumThreads},
                            LossSum{.row_loss = row_loss.as<const float>(),
                                    .scale = loss_scale.as<const float>(),
                                    .loss = loss.as<float>(),
                                    .rows = row_loss.shape.elements()});
}

}  // namespace attune::cuda
