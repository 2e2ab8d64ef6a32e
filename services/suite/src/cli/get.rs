//! `rapport get [KIND…]`

use clap::Args;

use super::call::Target;
use super::{Ended, out};
use crate::configure;
use crate::error::Error;

#[derive(Debug, Args)]
pub(super) struct Get {
    /// calendar, queue, agent, sla_policy or routing_policy; all when none is named
    #[arg(value_name = "KIND")]
    kinds: Vec<String>,
    #[command(flatten)]
    target: Target,
}

impl Get {
    pub(super) async fn run(self) -> Result<Ended, Error> {
        let gateway = self.target.authorised()?;
        let text = Box::pin(configure::get(gateway, &self.kinds)).await?;
        out::put(&text);
        Ok(Ended::Well)
    }
}
