#pragma once

namespace attune {

/// gather_rows(x (T, C) or i32 (T), rows i32 (R)) -> y (R, C) or i32 (R). Rows are ascending and distinct.
/// scatter_rows(dy (R, C), rows i32 (R), like (T, C)) -> dx (T, C): zero elsewhere. `like` gives the shape
/// only.
struct GatherRowsArguments {};

}  // namespace attune
