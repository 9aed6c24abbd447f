"""The command line of Hippolyte: what a person does from a laptop when the Lambdas cannot."""
