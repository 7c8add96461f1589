//! What a finality provider says of itself.

use babylon::message::ProviderDescription;

/// What a finality provider says of itself.
#[derive(clap::Args)]
pub(crate) struct DescriptionArgs {
    /// Its name, which the chain demands.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    moniker: String,
    /// What proves who it is elsewhere, such as a Keybase id.
    #[arg(long, value_name = "TEXT", default_value_t, hide_default_value = true)]
    identity: String,
    /// Its web site.
    #[arg(long, value_name = "URL", default_value_t, hide_default_value = true)]
    website: String,
    /// Whom to tell of a security matter.
    #[arg(long, value_name = "TEXT", default_value_t, hide_default_value = true)]
    security_contact: String,
    /// Anything else.
    #[arg(long, value_name = "TEXT", default_value_t, hide_default_value = true)]
    details: String,
}

impl From<DescriptionArgs> for ProviderDescription {
    fn from(args: DescriptionArgs) -> Self {
        let DescriptionArgs { moniker, identity, website, security_contact, details } = args;
        Self { moniker, identity, website, security_contact, details }
    }
}
