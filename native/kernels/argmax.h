#pragma once

namespace attune {

/// argmax(x (T, V)) -> ids i32 (T): where the first largest element of each row is. NaN counts as -Infinity.
struct ArgmaxArguments {};

}  // namespace attune
