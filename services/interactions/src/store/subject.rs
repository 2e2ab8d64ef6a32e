//! Whose key seals a contact: that of the customer's identifier, so that one erasure reaches all their contacts.

use rapport_foundation::id::{InteractionId, TenantId};
use rapport_foundation::seal::{Subject, Vault};

use crate::domain::Contact;

/// The subject of a contact: the blind index of the customer's identifier; the interaction itself where there is no
/// customer.
pub(super) fn of(vault: &Vault, tenant: TenantId, id: InteractionId, contact: &Contact) -> Subject {
    match contact
        .customer()
        .and_then(|customer| customer.identifier.as_ref())
    {
        Some(identifier) => {
            hex::encode(vault.blind(tenant, "participant", &identifier.normalised()))
        }
        None => id.to_string(),
    }
}
