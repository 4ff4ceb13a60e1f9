// What most files of a target read of other libraries: the build compiles it first, once a target
// (precompile.gypi). A file still includes what it uses, and none includes this.

#include <algorithm>
#include <any>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#if defined(ATTUNE_AVX2) || defined(ATTUNE_AVX512)
#include <immintrin.h>
#elif defined(ATTUNE_NEON)
#include <arm_neon.h>
#endif

#if defined(NAPI_VERSION)
#include <napi.h>
#endif
