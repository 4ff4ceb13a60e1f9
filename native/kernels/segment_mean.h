#pragma once

namespace attune {

/// segment_mean(x (T, C), cu_seqlens i32 (S + 1)) -> y (S, C): the mean of each segment's rows, 0 for an
/// empty one. segment_mean_backward(dy (S, C), cu_seqlens, like (T, C)) -> dx (T, C): each row gets its
/// segment's dy divided by the segment's length. `like` gives the shape only.
struct SegmentMeanArguments {};

}  // namespace attune
