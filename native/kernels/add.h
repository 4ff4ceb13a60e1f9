#pragma once

namespace attune {

/// add(a, b) -> a + b, same shapes.   accumulate_gradient(dx) -> f32 copy of dx; accumulates.
struct AddArguments {};

}  // namespace attune
