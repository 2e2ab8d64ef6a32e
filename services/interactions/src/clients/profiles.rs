//! Profiles: who a contact is by.

use rapport_foundation::channel::{Caller, Channel};
use rapport_foundation::error::{Code, Failure};
use rapport_foundation::id::{CustomerId, TenantId};
use rapport_foundation::time::Micros;
use rapport_proto::profiles::v1::customer_service_client::CustomerServiceClient;
use rapport_proto::profiles::v1::{CustomerHints, GetCustomerRequest, ResolveCustomerRequest};
use rapport_proto::types::v1 as types;

use crate::app::facts;
use crate::domain::{Customer, Hints, Identifier, Participant};

/// Someone to be recognised.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    /// The connector that met them.
    pub(crate) connector: String,
    /// The participant.
    pub(crate) participant: Participant,
    /// What else is known.
    pub(crate) hints: Hints,
    /// When they were met.
    pub(crate) seen_at: Micros,
}

/// What profiles says of someone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// This customer.
    Known(Customer),
    /// None of the identifiers can be one.
    Refused,
}

/// How much of what a contact says about its customer goes with the question.
#[derive(Debug, Clone, Copy)]
enum Hinted {
    All,
    /// A phone number may need it.
    Region,
    Nothing,
}

/// The way to profiles.
#[derive(Debug, Clone)]
pub(crate) struct Profiles {
    caller: Caller,
}

impl Profiles {
    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    fn client(&self) -> CustomerServiceClient<Channel> {
        CustomerServiceClient::new(self.caller.channel())
    }

    /// Finds or makes the customer. Identifiers that profiles refuses are left out rather than keeping the others from
    /// being recognised.
    ///
    /// # Errors
    /// When profiles does not answer, or not with an answer.
    pub(crate) async fn resolve(&self, tenant: TenantId, who: &Who) -> Result<Answer, Failure> {
        let all: Vec<&Identifier> = who.participant.identifiers().collect();
        for hinted in [Hinted::All, Hinted::Region, Hinted::Nothing] {
            if let known @ Answer::Known(_) = self.ask(tenant, who, &all, hinted).await? {
                return Ok(known);
            }
        }
        if all.len() > 1 {
            for one in all {
                for hinted in [Hinted::Region, Hinted::Nothing] {
                    if let known @ Answer::Known(_) = self.ask(tenant, who, &[one], hinted).await? {
                        return Ok(known);
                    }
                }
            }
        }
        Ok(Answer::Refused)
    }

    async fn ask(
        &self,
        tenant: TenantId,
        who: &Who,
        by: &[&Identifier],
        hinted: Hinted,
    ) -> Result<Answer, Failure> {
        let region = CustomerHints {
            region: who.hints.region.clone(),
            ..CustomerHints::default()
        };
        let hints = match hinted {
            Hinted::Nothing => CustomerHints::default(),
            Hinted::Region => region,
            Hinted::All => CustomerHints {
                display_name: who.participant.display_name.expose().to_owned(),
                language: who.hints.language.clone(),
                time_zone: who.hints.time_zone.clone(),
                ..region
            },
        };
        let message = ResolveCustomerRequest {
            identifiers: by.iter().map(|one| identifier(one)).collect(),
            hints: Some(hints),
            source: who.connector.clone(),
            seen_time: Some(who.seen_at.into()),
        };
        let request = self.caller.request(tenant, Some(&who.connector), message);
        match self.client().resolve_customer(request).await {
            Ok(answer) => {
                let customer = answer
                    .into_inner()
                    .customer
                    .as_ref()
                    .and_then(facts::customer);
                customer.map(Answer::Known).ok_or_else(|| {
                    Failure::new(
                        Code::Internal,
                        "UPSTREAM",
                        "A neighbouring service answered without a customer.",
                    )
                })
            }
            Err(status) if status.code() == tonic::Code::InvalidArgument => Ok(Answer::Refused),
            Err(status) => Err(status.into()),
        }
    }

    /// Whether there is such a customer.
    ///
    /// # Errors
    /// When profiles does not answer.
    pub(crate) async fn knows(
        &self,
        tenant: TenantId,
        asker: &str,
        customer: CustomerId,
    ) -> Result<bool, Failure> {
        let message = GetCustomerRequest {
            customer_id: customer.to_string(),
        };
        match self
            .client()
            .get_customer(self.caller.request(tenant, Some(asker), message))
            .await
        {
            Ok(_) => Ok(true),
            Err(status) if status.code() == tonic::Code::NotFound => Ok(false),
            Err(status) => Err(status.into()),
        }
    }
}

fn identifier(one: &Identifier) -> types::Identifier {
    types::Identifier {
        r#type: one.kind.into(),
        value: one.value.expose().to_owned(),
        namespace: one.namespace.clone(),
    }
}
