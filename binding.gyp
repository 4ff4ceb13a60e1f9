{
  # The kernels are compiled once per instruction set and the addon picks one at run time. NEON is part of arm64 and needs no flags.
  "variables": {
    # -Werror in CI: a compiler newer than ours may warn of more, and must not keep anybody from building.
    "werror%": "",
    "warnings": ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wno-sign-conversion"],
    "kernel_sources": ["<!@(node scripts/native-sources.mjs kernels)"],
    "product_sources": ["<!@(node scripts/native-sources.mjs products)"],
    "node_addon_api": "<!(node -p \"path.resolve(require('node-addon-api').include_dir)\")",
    "avx2": ["-mavx2", "-mfma", "-mf16c", "-mbmi2"],
    # `npm run test:avx512` gives others: an <immintrin.h> that makes AVX-512 of AVX2.
    # GCC 12 warns of what <immintrin.h> leaves undefined on purpose once that is precompiled.
    "avx512%": "-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c -mbmi2 -mprefer-vector-width=512 -Wno-uninitialized -Wno-maybe-uninitialized",
    "avx512_bf16%": "-mavx512bf16",
    "avx512_amx%": "-mavx512bf16 -mamx-tile -mamx-bf16",
    "emulated_avx512%": 0
  },
  "target_defaults": {
    "include_dirs": ["native"],
    "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
    "cflags!": ["-fno-exceptions"],
    "cflags_cc": [
      "-std=c++20", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "<@(warnings)", "<@(werror)",
      # GCC 12 sees overlapping copies in std::string's operator+ (PR 105651); clang has no such warning to switch off.
      "-Wno-unknown-warning-option", "-Wno-restrict"
    ],
    "xcode_settings": {
      "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
      "CLANG_CXX_LIBRARY": "libc++",
      "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
      "GCC_ENABLE_CPP_RTTI": "YES",
      "GCC_OPTIMIZATION_LEVEL": "3",
      "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
      "MACOSX_DEPLOYMENT_TARGET": "13.3",
      "OTHER_CPLUSPLUSFLAGS": ["-fno-math-errno", "-fno-trapping-math", "<@(warnings)", "<@(werror)"]
    }
  },
  "targets": [
    {
      # Apart, so that the emulated build differs here and in two sets of kernels alone.
      "target_name": "backend",
      "type": "static_library",
      "sources": ["<!@(node scripts/native-sources.mjs backend)"],
      "conditions": [["emulated_avx512==1", { "defines": ["ATTUNE_EMULATED_AVX512"] }]]
    },
    {
      "target_name": "kernels_portable",
      "type": "static_library",
      "includes": ["native/precompiled/precompile.gypi"],
      "sources": ["<@(kernel_sources)"],
      "defines": ["ATTUNE_ISA=portable"]
    },
    {
      "target_name": "attune",
      "includes": ["native/precompiled/precompile.gypi"],
      "sources": ["<!@(node scripts/native-sources.mjs core)"],
      # As system headers: they are not ours to keep free of warnings.
      "cflags_cc": ["-isystem<(node_addon_api)"],
      "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["-isystem<(node_addon_api)"] },
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      "dependencies": ["backend", "kernels_portable"],
      "conditions": [
        ["target_arch=='x64'", {
          "dependencies": ["kernels_avx2", "kernels_avx512", "kernels_avx512_bf16", "kernels_avx512_amx"],
          "defines": ["ATTUNE_X64"]
        }],
        ["target_arch=='arm64'", {
          "dependencies": ["kernels_neon"],
          "defines": ["ATTUNE_ARM64"]
        }]
      ]
    }
  ],
  "conditions": [
    ["target_arch=='x64'", {
      "targets": [
        {
          "target_name": "kernels_avx2",
          "type": "static_library",
          "includes": ["native/precompiled/precompile.gypi"],
          "sources": ["<@(kernel_sources)"],
          "defines": ["ATTUNE_ISA=avx2", "ATTUNE_AVX2"],
          "cflags_cc": ["<@(avx2)"],
          "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(avx2)"] }
        },
        {
          "target_name": "kernels_avx512",
          "type": "static_library",
          "includes": ["native/precompiled/precompile.gypi"],
          "sources": ["<@(kernel_sources)"],
          "defines": ["ATTUNE_ISA=avx512", "ATTUNE_AVX512"],
          "cflags_cc": ["<@(avx512)"],
          "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(avx512)"] }
        },
        {
          "target_name": "kernels_avx512_bf16",
          "type": "static_library",
          "includes": ["native/precompiled/precompile.gypi"],
          "sources": ["<@(kernel_sources)"],
          "defines": ["ATTUNE_ISA=avx512_bf16", "ATTUNE_AVX512", "ATTUNE_BF16_PAIRS"],
          "cflags_cc": ["<@(avx512)", "<@(avx512_bf16)"],
          "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(avx512)", "<@(avx512_bf16)"] }
        },
        {
          # Products alone: all else is that of kernels_avx512.
          "target_name": "kernels_avx512_amx",
          "type": "static_library",
          "includes": ["native/precompiled/precompile.gypi"],
          "sources": ["<@(product_sources)"],
          "defines": ["ATTUNE_ISA=avx512_amx", "ATTUNE_AVX512", "ATTUNE_BF16_PAIRS", "ATTUNE_AMX"],
          "cflags_cc": ["<@(avx512)", "<@(avx512_amx)"],
          "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(avx512)", "<@(avx512_amx)"] }
        }
      ]
    }],
    ["target_arch=='arm64'", {
      "targets": [
        {
          "target_name": "kernels_neon",
          "type": "static_library",
          "includes": ["native/precompiled/precompile.gypi"],
          "sources": ["<@(kernel_sources)"],
          "defines": ["ATTUNE_ISA=neon", "ATTUNE_NEON"],
          # GCC would load a micro tile's elements of A so far ahead that its sums leave their registers.
          "cflags_cc": ["-fno-schedule-insns", "-Wno-ignored-optimization-argument"]
        }
      ]
    }]
  ]
}
