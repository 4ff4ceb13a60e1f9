#pragma once

namespace attune {

/// l2_normalize(x (R, C)) -> y (R, C): y = x / max(|x|, eps) row by row, as torch.nn.functional.normalize.
/// l2_normalize_backward(dy, x) -> dx = (dy - y (y . dy)) / |x|; dy / eps where |x| < eps.
struct L2NormalizeArguments {
  float eps = 1e-12F;
};

}  // namespace attune
