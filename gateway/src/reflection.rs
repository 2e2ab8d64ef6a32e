//! Server reflection, for tools that ask a server what it serves.
//!
//! Its methods are methods like ours: with a policy, and behind every layer and the guard. Its contract is not ours and
//! cannot carry the policy, so it stands here. What is told is the whole of the published contract, internal methods
//! included: it is no secret, and what may be called is decided by the policy of each method, not by who knows its name.

use rapport_foundation::role::Role;
use rapport_proto::options::v1::{DeadlineClass, RateClass, Role as HolderRole};
use tonic::service::Routes;
use tonic_reflection::server::Builder;

use crate::error::OpenError;
use crate::policy::Method;

/// What a caller of reflection must hold.
const SCOPE: &str = "access.reflect";

/// Both versions of the protocol: most tools still ask by the older.
const PATHS: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// The methods of reflection with their policy.
pub(crate) fn methods() -> impl Iterator<Item = Method> {
    PATHS.into_iter().map(|path| Method {
        path: path.to_owned(),
        upstream: Role::Gateway,
        scope: SCOPE.to_owned(),
        roles: [HolderRole::Operator, HolderRole::Manager]
            .into_iter()
            .collect(),
        personal_data: false,
        audited: false,
        rate: RateClass::Read,
        deadline: DeadlineClass::Stream,
        idempotent: true,
        internal: false,
        streaming: true,
    })
}

/// Routes that answer reflection too.
///
/// # Errors
/// When the descriptors cannot be read.
pub(crate) fn served(routes: Routes) -> Result<Routes, OpenError> {
    let builder = || {
        Builder::configure()
            .register_encoded_file_descriptor_set(rapport_proto::FILE_DESCRIPTOR_SET)
    };
    let failed = |error: tonic_reflection::server::Error| {
        OpenError::setting("reflection", error.to_string())
    };
    let current = builder().build_v1().map_err(failed)?;
    let older = builder().build_v1alpha().map_err(failed)?;
    Ok(routes.add_service(current).add_service(older))
}
