#pragma once

#include <napi.h>

#include <exception>
#include <new>

#include "core/error.h"

namespace attune::binding {

/// What belongs to one JavaScript environment: the main thread's or a worker thread's.
struct Environment {
  Napi::FunctionReference make_error;
  Napi::FunctionReference graph;
  Napi::FunctionReference safetensors;
  Napi::FunctionReference program;
  Napi::FunctionReference optimizer;

  [[nodiscard]] static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }
};

/// The AttuneError that JavaScript gets for an error of the core.
[[nodiscard]] Napi::Value to_js_error(Napi::Env env, const Error& error);

/// Throws Error{"invalid-option"} saying what was expected at `where` and what came.
[[noreturn]] void refuse(const std::string& where, const std::string& expected, const Napi::Value& received);

/// Runs one binding function: whatever is thrown becomes an AttuneError. Any other exception would end the
/// process.
template <class Body>
Napi::Value guarded(Napi::Env env, const Body& body) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;  // JavaScript's own already
  } catch (const Error& error) {
    throw Napi::Error(env, to_js_error(env, error));
  } catch (const std::bad_alloc&) {
    throw Napi::Error(env, to_js_error(env, Error("out-of-memory", "core",
                                                  "The system has no memory left for this call.")));
  } catch (const std::exception& error) {
    throw Napi::Error(env, to_js_error(env, Error("internal", "core", error.what())));
  }
}

}  // namespace attune::binding
