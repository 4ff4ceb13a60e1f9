// What the files of a set of kernels read of other libraries: it takes longer to read than most of them to
// compile, so that the build compiles it first, once a set (kernels.gypi). A file still includes what it
// uses.

#include <algorithm>
#include <any>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#if defined(ATTUNE_AVX2) || defined(ATTUNE_AVX512)
#include <immintrin.h>
#elif defined(ATTUNE_NEON)
#include <arm_neon.h>
#endif
