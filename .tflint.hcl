# TFLint, for who has it. It is in no package registry that the tests install from, so that they do not run it, and this file
# has not been tried: tests/terraform/test_hcl_contract.py has the same rules of the language.

config {
  # the submodules of this repository, not what others call
  call_module_type = "local"
}

# in TFLint's own program, hence without a version and a source
plugin "terraform" {
  enabled = true
  preset  = "all"
}

# inputs lie by question in variables*.tf, the root's outputs of a concern beside it
rule "terraform_standard_module_structure" {
  enabled = false
}
