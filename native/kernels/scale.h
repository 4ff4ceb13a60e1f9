#pragma once

namespace attune {

/// scale(x) -> factor * x, any shape. The gradient is the same op on dy.
struct ScaleArguments {
  float factor = 1.0F;
};

}  // namespace attune
