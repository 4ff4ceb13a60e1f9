#include <string>

#include "binding/environment.h"

namespace attune::binding {

Napi::Value to_js_error(Napi::Env env, const Error& error) {
  const Napi::FunctionReference& make = Environment::of(env).make_error;
  if (make.IsEmpty()) return Napi::Error::New(env, error.what()).Value();
  return make.Call({Napi::String::New(env, error.code()), Napi::String::New(env, error.what()),
                    Napi::String::New(env, error.where())});
}

void refuse(const std::string& where, const std::string& expected, const Napi::Value& received) {
  throw Error(
      "invalid-option", where,
      "Expected " + expected + " for " + where + " but received " + received.ToString().Utf8Value() + ".");
}

}  // namespace attune::binding
