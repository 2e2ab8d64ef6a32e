//! What may be called by whom, read from the contracts and from nowhere else.
//!
//! The table is built once from the descriptor set. A method of the suite without a complete policy keeps
//! the gateway from starting: adding an RPC to a service never touches this crate, forgetting its policy
//! cannot go unnoticed.

use std::collections::HashMap;
use std::sync::Arc;

use prost_reflect::{DescriptorPool, ExtensionDescriptor, MethodDescriptor, Value};
use rapport_foundation::role::Role;
use rapport_proto::options::v1::{DeadlineClass, MethodPolicy, RateClass, Role as HolderRole};

use crate::protection::{Protection, Protections};
mod authority;

pub use authority::Authority;
pub(crate) use authority::is_operator;

/// Packages of the suite begin with this; every method in them needs a policy.
const OURS: &str = "rapport.";

/// One method that can be called, and what is demanded of its callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// The path on the wire: `/package.Service/Method`.
    pub path: String,
    /// The role that serves it.
    pub upstream: Role,
    /// The scope a caller must hold, directly or through a role.
    pub scope: String,
    /// The roles that hold the scope for this method.
    pub roles: Roles,
    /// Whether it touches data about a person.
    pub personal_data: bool,
    /// Whether every call is written to the audit trail.
    pub audited: bool,
    /// The bucket its rate is counted in.
    pub rate: RateClass,
    /// How long it may take.
    pub deadline: DeadlineClass,
    /// Whether repeating it with the same content has no further effect.
    pub idempotent: bool,
    /// Whether only services may call it.
    pub internal: bool,
    /// Whether either side sends a stream: such a call may outlive its caller's token and must be ended.
    pub streaming: bool,
}

impl Method {
    /// Whether it is about the installation itself: nobody but operators holds it by default.
    pub(crate) fn is_of_the_installation(&self) -> bool {
        self.roles == [HolderRole::Operator].into_iter().collect()
    }
}

/// A set of roles a principal can hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Roles(u32);

impl Roles {
    /// The set of the roles with these names; unknown names are left out, they grant nothing.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().filter_map(role_named).collect()
    }

    /// Whether a role is in both sets.
    pub fn meets(self, other: Roles) -> bool {
        self.0 & other.0 != 0
    }

    /// The roles in the set, in the order of the contract.
    pub fn iter(self) -> impl Iterator<Item = HolderRole> {
        (1..i32::BITS.cast_signed())
            .map_while(|number| HolderRole::try_from(number).ok())
            .filter(move |role| self.holds(*role))
    }

    /// Whether a role is in the set.
    pub fn holds(self, role: HolderRole) -> bool {
        self.meets([role].into_iter().collect())
    }
}

impl FromIterator<HolderRole> for Roles {
    fn from_iter<I: IntoIterator<Item = HolderRole>>(roles: I) -> Self {
        let bits = roles
            .into_iter()
            .filter(|role| *role != HolderRole::Unspecified)
            .map(|role| 1_u32 << role as u32);
        Roles(bits.fold(0, |set, bit| set | bit))
    }
}

/// `agent` → `ROLE_AGENT`.
pub(crate) fn role_named(name: &str) -> Option<HolderRole> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let full = format!("ROLE_{}", name.to_ascii_uppercase());
    HolderRole::from_str_name(&full).filter(|role| *role != HolderRole::Unspecified)
}

/// Every method of the suite by its path.
#[derive(Debug, Clone)]
pub struct Policies(Arc<HashMap<String, Arc<Method>>>);

/// Contracts the gateway refuses to start with.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the contracts are incomplete:\n  {}", .0.join("\n  "))]
pub struct Incomplete(pub Vec<String>);

impl Policies {
    /// Reads the table from a descriptor set.
    ///
    /// # Errors
    /// Every method of the suite whose policy is missing or incomplete.
    pub fn read(pool: &DescriptorPool) -> Result<Self, Incomplete> {
        let Some(extension) = pool.get_extension_by_name("rapport.options.v1.policy") else {
            return Err(Incomplete(vec![
                "rapport.options.v1.policy is not defined".into(),
            ]));
        };
        let mut methods = HashMap::new();
        let mut faults = Vec::new();
        for service in pool.services().filter(|s| s.full_name().starts_with(OURS)) {
            let upstream = Role::of_package(service.package_name());
            for method in service.methods() {
                let path = path_of(&method);
                match read_method(&extension, &method, &path, upstream) {
                    Ok(method) => {
                        methods.insert(path, Arc::new(method));
                    }
                    Err(fault) => faults.push(format!("{path}: {fault}")),
                }
            }
        }
        if faults.is_empty() {
            Ok(Policies(Arc::new(methods)))
        } else {
            Err(Incomplete(faults))
        }
    }

    /// The same with methods of contracts that are not the suite's.
    #[must_use]
    pub fn with(self, more: impl IntoIterator<Item = Method>) -> Self {
        let mut methods = Arc::unwrap_or_clone(self.0);
        let more = more.into_iter().map(Arc::new);
        methods.extend(more.map(|method| (method.path.clone(), method)));
        Policies(Arc::new(methods))
    }

    /// The method at a path that callers from outside may know of.
    pub fn find(&self, path: &str, protections: Protections) -> Option<&Arc<Method>> {
        let open = |method: &&Arc<Method>| {
            !method.internal || !protections.on(Protection::InternalMethods)
        };
        self.0.get(path).filter(open)
    }

    /// All methods, in no particular order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Method>> {
        self.0.values()
    }
}

/// The path of a method on the gRPC wire: `/package.Service/Method`.
pub(crate) fn path_of(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

fn read_method(
    extension: &ExtensionDescriptor,
    method: &MethodDescriptor,
    path: &str,
    upstream: Option<Role>,
) -> Result<Method, String> {
    let upstream = upstream.ok_or("no role of the suite serves its package")?;
    let options = method.options();
    if !options.has_extension(extension) {
        return Err("it has no policy".into());
    }
    let option = options.get_extension(extension);
    let Value::Message(message) = option.as_ref() else {
        return Err("its policy is not a message".into());
    };
    let policy: MethodPolicy = message
        .transcode_to()
        .map_err(|error| format!("its policy cannot be read: {error}"))?;
    let (rate, deadline) = (policy.rate(), policy.deadline());
    if policy.scope.is_empty() {
        return Err("its policy names no scope".into());
    }
    if rate == RateClass::Unspecified || deadline == DeadlineClass::Unspecified {
        return Err("its policy names no rate or no deadline class".into());
    }
    let roles: Vec<HolderRole> = policy.roles().collect();
    if roles.len() != policy.roles.len() || roles.contains(&HolderRole::Unspecified) {
        return Err("its policy names an unknown role".into());
    }
    Ok(Method {
        path: path.to_owned(),
        upstream,
        scope: policy.scope,
        roles: roles.into_iter().collect(),
        personal_data: policy.personal_data,
        audited: policy.audited,
        rate,
        deadline,
        idempotent: policy.idempotent,
        internal: policy.internal,
        streaming: method.is_client_streaming() || method.is_server_streaming(),
    })
}

#[cfg(test)]
mod tests;
