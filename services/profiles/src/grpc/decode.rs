//! Messages to commands: everything that is wrong with one is told at once.

mod fields;

use rapport_foundation::check::Check;
use rapport_foundation::context::Context;
use rapport_foundation::error::Failure;
use rapport_foundation::id::CustomerId;
use rapport_foundation::idempotency::Key;
use rapport_proto::profiles::v1 as pb;

use crate::app::command::{Add, Create, Delete, List, Merge, Remove, Resolve, Update};
use crate::domain::customer::UPDATABLE;
use crate::domain::identifier::{Identifier, Region};
use fields::{identifier, language, name, profile, reason, region, source, time_zone};

const MOST_RESOLVED: usize = 11;
const MOST_CREATED: usize = 50;
const DEFAULT_PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 1000;

pub(super) fn resolve(
    request: &pb::ResolveCustomerRequest,
    default_region: Option<Region>,
) -> Result<Resolve, Failure> {
    let mut c = Check::new();
    let hints = request.hints.clone().unwrap_or_default();
    let region = c
        .within("hints", |c| region(c, &hints.region))
        .or(default_region);
    let (display_name, language, time_zone) = c.within("hints", |c| {
        (
            name(c, "display_name", &hints.display_name),
            language(c, &hints.language),
            time_zone(c, &hints.time_zone),
        )
    });
    let count = request.identifiers.len();
    c.require(count > 0, "identifiers", "REQUIRED", "is required");
    c.require(
        count <= MOST_RESOLVED,
        "identifiers",
        "TOO_MANY",
        "has more than 11 elements",
    );
    let mut identifiers: Vec<Identifier> = Vec::new();
    for (at, given) in request.identifiers.iter().take(MOST_RESOLVED).enumerate() {
        let found = c.within(format_args!("identifiers[{at}]"), |c| {
            identifier(c, given, region)
        });
        identifiers.extend(found.filter(|found| !identifiers.contains(found)));
    }
    // Stable: within a kind the sender's order holds.
    identifiers.sort_by_key(Identifier::kind);
    let source = source(&mut c, &request.source);
    let seen_at = c.optional_time("seen_time", request.seen_time.as_ref());
    c.done(Resolve {
        identifiers,
        display_name,
        language,
        time_zone,
        source,
        seen_at,
    })
}

pub(super) fn create(
    ctx: &Context,
    request: &pb::CreateCustomerRequest,
    default_region: Option<Region>,
) -> Result<Create, Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let region = region(&mut c, &request.region).or(default_region);
    let profile = c.message("customer", request.customer.as_ref(), profile);
    let most = request.identifiers.len() <= MOST_CREATED;
    c.require(most, "identifiers", "TOO_MANY", "has more than 50 elements");
    let mut identifiers: Vec<Identifier> = Vec::new();
    for (at, given) in request.identifiers.iter().take(MOST_CREATED).enumerate() {
        c.within(format_args!("identifiers[{at}]"), |c| {
            if let Some(found) = identifier(c, given, region) {
                c.require(
                    !identifiers.contains(&found),
                    "value",
                    "DUPLICATE",
                    "is given twice",
                );
                identifiers.push(found);
            }
        });
    }
    let method = "rapport.profiles.v1.CustomerService/CreateCustomer";
    c.done(())?;
    Ok(Create {
        key: Key::new(ctx, method, request_id, request),
        profile,
        identifiers,
    })
}

pub(super) fn get(request: &pb::GetCustomerRequest) -> Result<CustomerId, Failure> {
    let mut c = Check::new();
    let id = c.id("customer_id", &request.customer_id);
    c.done(id)
}

pub(super) fn update(
    ctx: &Context,
    request: &pb::UpdateCustomerRequest,
) -> Result<Update, Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let customer = c.id("customer_id", &request.customer_id);
    let profile = c.message("customer", request.customer.as_ref(), profile);
    let mask = c.mask("update_mask", request.update_mask.as_ref(), UPDATABLE);
    let version = c.etag(&request.etag);
    c.done(())?;
    let method = "rapport.profiles.v1.CustomerService/UpdateCustomer";
    Ok(Update {
        key: Key::new(ctx, method, request_id, request),
        customer,
        profile,
        mask,
        version,
    })
}

pub(super) fn list(
    request: &pb::ListCustomersRequest,
    default_region: Option<Region>,
) -> Result<List, Failure> {
    let mut c = Check::new();
    let page_size = c.page_size(request.page_size, DEFAULT_PAGE, LARGEST_PAGE);
    let identifier = request
        .identifier
        .as_ref()
        .and_then(|given| c.within("identifier", |c| identifier(c, given, default_region)));
    c.done(List {
        page_size,
        page_token: request.page_token.clone(),
        identifier,
        show_deleted: request.show_deleted,
    })
}

pub(super) fn delete(
    ctx: &Context,
    request: &pb::DeleteCustomerRequest,
) -> Result<Delete, Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let customer = c.id("customer_id", &request.customer_id);
    let version = c.etag(&request.etag);
    c.done(())?;
    let method = "rapport.profiles.v1.CustomerService/DeleteCustomer";
    Ok(Delete {
        key: Key::new(ctx, method, request_id, request),
        customer,
        version,
    })
}

pub(super) fn add(
    ctx: &Context,
    request: &pb::AddIdentifierRequest,
    default_region: Option<Region>,
) -> Result<Add, Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let customer = c.id("customer_id", &request.customer_id);
    let given = c.message("identifier", request.identifier.as_ref(), |c, given| {
        identifier(c, given, default_region)
    });
    let version = c.etag(&request.etag);
    c.done(())?;
    let method = "rapport.profiles.v1.CustomerService/AddIdentifier";
    let key = Key::new(ctx, method, request_id, request);
    // Without one there was a violation.
    let given = given.ok_or_else(|| Failure::invalid(Vec::new()))?;
    Ok(Add {
        key,
        customer,
        identifier: given,
        version,
    })
}

pub(super) fn remove(
    ctx: &Context,
    request: &pb::RemoveIdentifierRequest,
) -> Result<Remove, Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let customer = c.id("customer_id", &request.customer_id);
    let identifier = c.id("identifier_id", &request.identifier_id);
    let version = c.etag(&request.etag);
    c.done(())?;
    let method = "rapport.profiles.v1.CustomerService/RemoveIdentifier";
    Ok(Remove {
        key: Key::new(ctx, method, request_id, request),
        customer,
        identifier,
        version,
    })
}

pub(super) fn merge(ctx: &Context, request: &pb::MergeCustomersRequest) -> Result<Merge, Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let (customer, other) = pair(&mut c, &request.customer_id, &request.merged_customer_id);
    let reason = reason(&mut c, &request.reason);
    let version = c.etag(&request.etag);
    c.done(())?;
    let method = "rapport.profiles.v1.CustomerService/MergeCustomers";
    Ok(Merge {
        key: Key::new(ctx, method, request_id, request),
        customer,
        other,
        reason,
        version,
    })
}

pub(super) fn unmerge(
    ctx: &Context,
    request: &pb::UnmergeCustomersRequest,
) -> Result<Merge, Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let (customer, other) = pair(&mut c, &request.customer_id, &request.merged_customer_id);
    let reason = reason(&mut c, &request.reason);
    let version = c.etag(&request.etag);
    c.done(())?;
    let method = "rapport.profiles.v1.CustomerService/UnmergeCustomers";
    Ok(Merge {
        key: Key::new(ctx, method, request_id, request),
        customer,
        other,
        reason,
        version,
    })
}

fn pair(c: &mut Check, customer: &str, other: &str) -> (CustomerId, CustomerId) {
    let pair: (CustomerId, CustomerId) = (
        c.id("customer_id", customer),
        c.id("merged_customer_id", other),
    );
    c.require(
        customer.is_empty() || customer != other,
        "merged_customer_id",
        "SAME_CUSTOMER",
        "is the same customer",
    );
    pair
}
