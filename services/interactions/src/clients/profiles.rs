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

impl Who {
    fn all_hints(&self) -> CustomerHints {
        CustomerHints {
            display_name: self.participant.display_name.expose().to_owned(),
            language: self.hints.language.clone(),
            time_zone: self.hints.time_zone.clone(),
            region: self.hints.region.clone(),
        }
    }

    /// The region alone, which a phone number may need, then nothing.
    fn bare_hints(&self) -> Vec<CustomerHints> {
        let region = CustomerHints {
            region: self.hints.region.clone(),
            ..CustomerHints::default()
        };
        let mut bare = vec![region, CustomerHints::default()];
        bare.dedup();
        bare
    }
}

/// What profiles says of someone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// This customer.
    Known(Customer),
    /// None of the identifiers can be one.
    Refused,
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
        let bare = who.bare_hints();
        let mut hints = vec![who.all_hints()];
        hints.extend(bare.iter().cloned());
        // A contact that says little is not asked about twice in the same words.
        hints.dedup();
        for hints in &hints {
            if let known @ Answer::Known(_) = self.ask(tenant, who, &all, hints).await? {
                return Ok(known);
            }
        }
        if all.len() > 1 {
            for one in all {
                for hints in &bare {
                    if let known @ Answer::Known(_) = self.ask(tenant, who, &[one], hints).await? {
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
        hints: &CustomerHints,
    ) -> Result<Answer, Failure> {
        let message = ResolveCustomerRequest {
            identifiers: by.iter().map(|one| identifier(one)).collect(),
            hints: Some(hints.clone()),
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
