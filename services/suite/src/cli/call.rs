//! `rapport call SERVICE/METHOD JSON`

use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;

use super::{Ended, say};
use crate::client::{self, Authorised, Gateway};
use crate::error::Error;

/// Where the gateway is, and who calls.
#[derive(Debug, Clone, Args)]
pub(super) struct Target {
    /// The gateway
    #[arg(
        long,
        value_name = "URL",
        env = "RAPPORT_GATEWAY",
        default_value = "http://127.0.0.1:8080"
    )]
    gateway: String,
    /// The token to present
    #[arg(
        long,
        value_name = "TOKEN",
        env = "RAPPORT_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
    /// A file with the token to present
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// PEM of the authority that signed the gateway's certificate, for https
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Target {
    /// The way to the gateway, presenting the token.
    pub(super) fn authorised(&self) -> Result<Authorised, Error> {
        let token = match (&self.token, &self.token_file) {
            (Some(token), _) => token.clone(),
            (None, Some(file)) => read(file)?,
            (None, None) => {
                let text = "a token is needed: --token, --token-file or RAPPORT_TOKEN; `rapport token` makes one";
                return Err(Error::Usage(text.into()));
            }
        };
        let ca = self.ca.as_ref().map(read).transpose()?;
        let gateway = Gateway::at(&self.gateway, ca.as_deref().map(str::as_bytes))?;
        Ok(gateway.presenting(&token)?)
    }
}

fn read(file: &PathBuf) -> Result<String, Error> {
    std::fs::read_to_string(file).map_err(|source| Error::Io {
        what: file.display().to_string(),
        source,
    })
}

#[derive(Debug, Args)]
pub(super) struct Call {
    /// Such as CustomerService/GetCustomer
    #[arg(required_unless_present = "list")]
    method: Option<String>,
    /// The request as JSON; `-` reads it from standard input; a `request_id` is made up when missing
    #[arg(default_value = "{}")]
    request: String,
    /// Prints the methods there are
    #[arg(long)]
    list: bool,
    /// Answers to print before leaving a stream that goes on
    #[arg(long, value_name = "COUNT")]
    take: Option<usize>,
    #[command(flatten)]
    target: Target,
}

impl Call {
    pub(super) async fn run(self) -> Result<Ended, Error> {
        let pool = rapport_proto::pool();
        let Some(name) = self.method.filter(|_| !self.list) else {
            list(pool);
            return Ok(Ended::Well);
        };
        let method =
            client::resolve(pool, &name).map_err(|error| Error::Usage(error.to_string()))?;
        let request = match self.request.as_str() {
            "-" => stdin()?,
            text => text.to_owned(),
        };
        let requests = match method.is_client_streaming() {
            true => request
                .lines()
                .filter(|line| !line.trim().is_empty())
                .map(str::to_owned)
                .collect(),
            false => vec![request],
        };
        let mut answers = client::call(self.target.authorised()?, &method, requests).await?;
        let mut printed = 0;
        while self.take.is_none_or(|most| printed < most)
            && let Some(answer) = answers.next().await?
        {
            say(&answer);
            printed += 1;
        }
        Ok(Ended::Well)
    }
}

fn stdin() -> Result<String, Error> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|source| Error::Io {
            what: "standard input".into(),
            source,
        })?;
    Ok(text)
}

fn list(pool: &prost_reflect::DescriptorPool) {
    for service in pool
        .services()
        .filter(|service| service.full_name().starts_with("rapport."))
    {
        for method in service.methods() {
            say(&format!("{}/{}", service.full_name(), method.name()));
        }
    }
}
