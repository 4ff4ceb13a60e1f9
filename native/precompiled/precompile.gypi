# For a target whose files take longer to read precompiled.h than to be compiled. GCC looks for precompiled.h.gch before precompiled.h, and
# takes the text where flags differ; clang always does.
{
  "conditions": [["OS=='linux'", {
    "actions": [{
      "action_name": "precompile",
      "inputs": ["precompiled.h"],
      "outputs": ["<(INTERMEDIATE_DIR)/precompiled.h.gch"],
      # Objects wait for this, and make gives what they wait for their variables: the flags are theirs.
      "action": ["sh", "-c",
        "cd $(builddir)/.. && $(CXX.target) $(filter-out -include precompiled.h, $(GYP_CXXFLAGS)) $(CXXFLAGS.target) -x c++-header $(srcdir)/native/precompiled/precompiled.h -o <(INTERMEDIATE_DIR)/precompiled.h.gch"]
    }],
    "include_dirs": ["<(INTERMEDIATE_DIR)", "."],
    "cflags_cc": ["-include", "precompiled.h"]
  }]]
}
