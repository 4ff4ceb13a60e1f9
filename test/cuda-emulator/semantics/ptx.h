#pragma once

// Everything a translated module needs.

#include "async_copy.h"
#include "atomic.h"
#include "compare.h"
#include "convert.h"
#include "integer.h"
#include "memory.h"
#include "tensor.h"
#include "warp.h"
