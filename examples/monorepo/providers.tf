# Terraform wants each provider written down: neither a provider nor `providers` of a module takes for_each or an expression.
# A new account is a block here, one in main.tf and an entry of `accounts`; without one of them the plan is refused.

provider "aws" {
  alias  = "backup"
  region = var.region

  assume_role {
    role_arn = "arn:aws:iam::${var.backup_account_id}:role/${var.deployer_role}"
  }
}

provider "aws" {
  alias  = "catalog"
  region = var.region

  assume_role {
    role_arn = "arn:aws:iam::${var.accounts["catalog"].id}:role/${var.deployer_role}"
  }
}

provider "aws" {
  alias  = "checkout"
  region = var.region

  assume_role {
    role_arn = "arn:aws:iam::${var.accounts["checkout"].id}:role/${var.deployer_role}"
  }
}

provider "aws" {
  alias  = "identity"
  region = var.region

  assume_role {
    role_arn = "arn:aws:iam::${var.accounts["identity"].id}:role/${var.deployer_role}"
  }
}

provider "aws" {
  alias  = "orders"
  region = var.region

  assume_role {
    role_arn = "arn:aws:iam::${var.accounts["orders"].id}:role/${var.deployer_role}"
  }
}

provider "aws" {
  alias  = "search"
  region = var.region

  assume_role {
    role_arn = "arn:aws:iam::${var.accounts["search"].id}:role/${var.deployer_role}"
  }
}

provider "aws" {
  alias  = "shipping"
  region = var.region

  assume_role {
    role_arn = "arn:aws:iam::${var.accounts["shipping"].id}:role/${var.deployer_role}"
  }
}
