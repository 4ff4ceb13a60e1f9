#pragma once

#include <napi.h>

namespace attune::binding {

/// JavaScript's `mapFile`: see NativeAddon in lib/native.ts.
Napi::Value map_file(const Napi::CallbackInfo& info);

}  // namespace attune::binding
