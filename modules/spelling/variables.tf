variable "given" {
  description = "Objects by the name to call them by, such as `tables`; null, and what is no object, pass."
  type        = any
  nullable    = false
}

variable "attributes" {
  description = "The attributes each object may have."
  type        = map(list(string))
  nullable    = false
}
