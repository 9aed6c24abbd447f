# One provider for each account and region; all assume a role from one set of credentials.

provider "aws" {
  alias  = "backup"
  region = "us-east-1"

  assume_role {
    role_arn = "arn:aws:iam::${var.account_ids.backup}:role/${var.deployer_role}"
  }
}

provider "aws" {
  alias  = "shop"
  region = "us-east-1"

  assume_role {
    role_arn = "arn:aws:iam::${var.account_ids.shop}:role/${var.deployer_role}"
  }
}

provider "aws" {
  alias  = "shop_ireland"
  region = "eu-west-1"

  assume_role {
    role_arn = "arn:aws:iam::${var.account_ids.shop}:role/${var.deployer_role}"
  }
}

provider "aws" {
  alias  = "analytics"
  region = "us-east-1"

  assume_role {
    role_arn = "arn:aws:iam::${var.account_ids.analytics}:role/${var.deployer_role}"
  }
}
