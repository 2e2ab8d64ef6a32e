//! `GetCustomer` and `ListCustomers`.

use rapport_foundation::context::{Context, PrincipalKind};
use rapport_foundation::id::CustomerId;
use rapport_foundation::page::fingerprint;
use serde::{Deserialize, Serialize};

use super::command::List;
use super::{App, shown};
use crate::domain::customer::{Customer, Shown, State};
use crate::domain::identifier::{Identifier, Kind};
use crate::error::Error;
use crate::store::Rows;

/// The namespace of external ids that name the subject of an end customer's token.
const SUBJECT: &str = "subject";

/// Where a listing goes on.
#[derive(Serialize, Deserialize)]
struct Cursor {
    before: CustomerId,
}

impl App {
    /// Reads a customer, whatever its state.
    ///
    /// # Errors
    /// [`Error::NoCustomer`], also for an end customer who asks for somebody else.
    pub async fn get_customer(&self, ctx: &Context, id: CustomerId) -> Result<Shown, Error> {
        let app = self;
        self.store
            .read(ctx.tenant, |rows| async move {
                if ctx.kind == PrincipalKind::Customer && !app.is_themselves(&rows, ctx, id).await?
                {
                    return Err(Error::NoCustomer(id));
                }
                shown(&rows, id).await
            })
            .await
    }

    /// An end customer is the customer their token names, or the one that has the token's subject as an external
    /// id in the namespace `subject`.
    async fn is_themselves(
        &self,
        rows: &Rows,
        ctx: &Context,
        id: CustomerId,
    ) -> Result<bool, Error> {
        if ctx.principal == id.to_string() {
            return Ok(true);
        }
        let Ok(subject) = Identifier::parse(Kind::External, &ctx.principal, SUBJECT, None) else {
            return Ok(false);
        };
        let key = self.store.key(ctx.tenant, &subject);
        let known = rows.known(std::slice::from_ref(&key)).await?;
        Ok(known
            .get(&key)
            .is_some_and(|known| known.place.customer == id))
    }

    /// Lists customers newest first, or the one an identifier belongs to; with the token of the next page.
    ///
    /// # Errors
    /// When the page token is of another query.
    pub async fn list_customers(
        &self,
        ctx: &Context,
        command: &List,
    ) -> Result<(Vec<Shown>, String), Error> {
        let key = command
            .identifier
            .as_ref()
            .map(|identifier| self.store.key(ctx.tenant, identifier));
        let which = key.as_ref().map_or(String::new(), |key| {
            let hash: String = key.index.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{}:{hash}", key.kind.code())
        });
        let shown_too = if command.show_deleted {
            "all"
        } else {
            "active"
        };
        let query = fingerprint(ctx.tenant, &["ListCustomers", &which, shown_too]);
        let cursor: Option<Cursor> = self.page_tokens.decode(&command.page_token, &query)?;
        let before = cursor.map(|cursor| cursor.before);
        let limit = usize::try_from(command.page_size).unwrap_or(usize::MAX);
        let (key, all) = (&key, command.show_deleted);
        let (page, more) = self
            .store
            .read(ctx.tenant, |rows| async move {
                let mut page: Vec<Customer> = match key {
                    Some(key) if before.is_none() => owner(&rows, key).await?,
                    Some(_) => Vec::new(),
                    None => rows.page(before, limit as u64 + 1, all).await?,
                };
                let more = page.len() > limit;
                page.truncate(limit);
                Ok((rows.show(page).await?, more))
            })
            .await?;
        let next = page.last().filter(|_| more).map_or(String::new(), |last| {
            let before = last.customer.id;
            self.page_tokens.encode(&query, &Cursor { before })
        });
        Ok((page, next))
    }
}

/// The customer an identifier belongs to now: one that stands for itself, for the identifiers of the merged are
/// those of the customer they are part of.
async fn owner(rows: &Rows, key: &crate::domain::identifier::Key) -> Result<Vec<Customer>, Error> {
    let known = rows.known(std::slice::from_ref(key)).await?;
    let owners: Vec<CustomerId> = known.values().map(|known| known.place.customer).collect();
    let customers = rows.customers(&owners).await?.into_iter();
    Ok(customers
        .filter(|customer| customer.state == State::Active)
        .collect())
}
