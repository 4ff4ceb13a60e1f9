#pragma once

namespace attune {

/// magnitude(x (T, N), m (N), norm f32 (N), bias (N)?, addend (T, N)?) -> y = x * m / norm + bias + addend
///   DoRA's magnitudes on the outputs x of W + scale B A; an output whose norm is 0 gives bias + addend. The
///   gradient of x is the same op on dy. `norm` has none.
/// magnitude_gradient(dy, x, norm) -> dm f32 (N) = sum over t of dy * x / norm; accumulates
struct MagnitudeArguments {};

}  // namespace attune
