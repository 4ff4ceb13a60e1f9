#pragma once

#include <string>

#include "backend/device.h"
#include "data/safetensors.h"
#include "graph/parameter_store.h"
#include "optim/optimizer.h"

namespace attune {

// An optimizer's state as safetensors. Of each parameter: `<name>.step`, `<name>.exp_avg`,
// `<name>.exp_avg_sq` and `<name>.weight`, the master where there is one, in float32. Moments in codes are U8
// and have
// `<name>.exp_avg_scale` and `<name>.exp_avg_sq_scale` beside them.

void write_optimizer(const std::string& path, Optimizer& optimizer, ParameterStore& parameters,
                     Device& device);

/// Throws Error{"invalid-checkpoint"} or Error{"weights-mismatch"} before anything is overwritten: a wrong
/// file leaves the run as it was.
void read_optimizer(const SafetensorsFile& file, Optimizer& optimizer, ParameterStore& parameters,
                    Device& device);

}  // namespace attune
