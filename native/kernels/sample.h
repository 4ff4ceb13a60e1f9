#pragma once

namespace attune {

/// sample(x (T, V), temperature f32 (T), top_k i32 (T), top_p f32 (T), min_p f32 (T), uniform i32 (T, 2)) ->
/// ids i32 (T): a token drawn from each row of logits.
///
/// Probabilities are softmax(x / temperature) over what is kept, temperature > 0. In this order:
///   top_k   keeps the k largest and all that equal the k-th; 0, or V and more: all
///   top_p   keeps tokens before which, from the likeliest on and of equals by their id, there is less than p
///           of the probability; 1 and more: all. The first stays always.
///   min_p   keeps tokens at least p times as likely as the likeliest; 0: all
/// Drawn is the first id at which the sum of probabilities passes u = (uniform[0] 2^26 + uniform[1]) / 2^53,
/// with uniform[0] in [0, 2^27) and uniform[1] in [0, 2^26): a double in [0, 1).
/// NaN counts as -Infinity, which is never drawn: a row of nothing else gives 0. Where there is +Infinity,
/// nothing else is drawn.
struct SampleArguments {};

}  // namespace attune
