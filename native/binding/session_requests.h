#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "engine/engine.h"

namespace attune::binding {

// What a session is asked to do, read from JavaScript's objects.

[[nodiscard]] Initializer to_initializer(const Napi::Value& value);
[[nodiscard]] CompileOptions to_compile_options(const Napi::Value& value);
[[nodiscard]] OptimizerKind to_optimizer_kind(const Napi::Value& value);
[[nodiscard]] std::vector<OptimizerGroup> to_groups(const Napi::Value& value);
[[nodiscard]] StepRequest to_step_request(const Napi::Object& object);

/// What is written: the entries, and the header that says where each will lie.
struct SaveJob {
  std::vector<SaveEntry> entries;
  std::string header;
};

[[nodiscard]] SaveJob to_save_job(Napi::Env env, const Napi::Value& entries, const Napi::Value& metadata);

}  // namespace attune::binding
