# A set of kernels: what its target adds are the instruction set's name and flags.
{
  "type": "static_library",
  "sources": ["<@(kernel_sources)"],
  "conditions": [["OS=='linux'", {
    # GCC looks for precompiled.h.gch before precompiled.h, and takes the text where the flags are others; clang always does.
    "actions": [{
      "action_name": "precompile",
      "inputs": ["precompiled.h"],
      "outputs": ["<(INTERMEDIATE_DIR)/precompiled.h.gch"],
      # Objects wait for this, and make gives what they wait for their variables: the flags are theirs.
      "action": ["sh", "-c",
        "cd $(builddir)/.. && $(CXX.target) $(filter-out -include precompiled.h, $(GYP_CXXFLAGS)) $(CXXFLAGS.target) -x c++-header $(srcdir)/native/kernels/cpu/precompiled.h -o <(INTERMEDIATE_DIR)/precompiled.h.gch"]
    }],
    "include_dirs": ["<(INTERMEDIATE_DIR)", "."],
    "cflags_cc": ["-include", "precompiled.h"]
  }]]
}
