//! Reading and changing roles of tenants, and who holds them.

use std::collections::HashMap;

use rapport_foundation::db::{self, Scoped};
use rapport_foundation::id::{BindingId, RoleId, TenantId};
use sea_orm::{ActiveModelTrait as _, ColumnTrait as _, Condition, IntoActiveModel as _};
use uuid::Uuid;

use super::mutation::{Begun, Mutation, page, room};
use super::{Cursor, Store};
use crate::domain::identity::Identity;
use crate::domain::role::{Binding, Change, Role};
use crate::error::Error;
use crate::store::entities::{binding, role};

/// Whether the caller may give a role as it is.
type Allowed<'a> = &'a (dyn Fn(&Role) -> Result<(), Error> + Send + Sync);

impl Store {
    /// Stores a new role if its tenant has fewer than `most`.
    ///
    /// # Errors
    /// [`Error::RoleExists`] when its name is taken, [`Error::TooMany`], [`Error::Refused`] for a reused request id, or what
    /// the store says.
    pub async fn create_role(
        &self,
        mutation: Mutation<'_>,
        wanted: &Role,
        most: u64,
    ) -> Result<Role, Error> {
        self.db
            .system_write(|s| async move {
                let own = match mutation.begin(&s).await? {
                    Begun::Fresh(own) => own,
                    Begun::Replay(own, id) => return read(&own, RoleId::from_uuid(id)).await,
                };
                room("role", own.find::<role::Entity>().count().await?, most)?;
                name_is_free(&own, wanted).await?;
                let row = role::row(mutation.tenant, wanted);
                own.insert_many(vec![row.into_active_model().reset_all()])
                    .await?;
                mutation
                    .settle(&s, wanted.id.uuid(), wanted.version)
                    .await?;
                Ok(wanted.clone())
            })
            .await
    }

    /// Changes a role, if what comes of it may be given.
    ///
    /// # Errors
    /// [`Error::RoleNotFound`], [`Error::RoleExists`], [`Error::EtagMismatch`], why it may not be given, or as in `create_role`.
    pub async fn change_role(
        &self,
        mutation: Mutation<'_>,
        (id, etag): (RoleId, Option<i64>),
        change: &Change,
        now: rapport_foundation::time::Micros,
        allowed: Allowed<'_>,
    ) -> Result<Role, Error> {
        self.db
            .system_write(|s| async move {
                let own = match mutation.begin(&s).await? {
                    Begun::Fresh(own) => own,
                    Begun::Replay(own, id) => return read(&own, RoleId::from_uuid(id)).await,
                };
                let after = read_at(&own, id, etag).await?.changed(change.clone(), now);
                allowed(&after)?;
                name_is_free(&own, &after).await?;
                let row = role::row(mutation.tenant, &after);
                let key = [role::Column::TenantId, role::Column::Id];
                let changed = [
                    role::Column::DisplayName,
                    role::Column::Scopes,
                    role::Column::Version,
                    role::Column::UpdatedAt,
                ];
                own.upsert_many(vec![row.into_active_model().reset_all()], key, changed)
                    .await?;
                mutation.settle(&s, id.uuid(), after.version).await?;
                Ok(after)
            })
            .await
    }

    /// Deletes a role and its bindings.
    ///
    /// # Errors
    /// [`Error::RoleNotFound`], [`Error::EtagMismatch`], [`Error::Refused`] for a reused request id, or what the store says.
    pub async fn delete_role(
        &self,
        mutation: Mutation<'_>,
        id: RoleId,
        etag: Option<i64>,
    ) -> Result<(), Error> {
        self.db
            .system_write(|s| async move {
                let Begun::Fresh(own) = mutation.begin(&s).await? else {
                    return Ok(());
                };
                let version = read_at(&own, id, etag).await?.version;
                own.delete_where::<binding::Entity>(binding::Column::RoleId.eq(id.uuid()))
                    .await?;
                own.delete_where::<role::Entity>(role::Column::Id.eq(id.uuid()))
                    .await?;
                Ok(mutation.settle(&s, id.uuid(), version).await?)
            })
            .await
    }

    /// One role.
    ///
    /// # Errors
    /// [`Error::RoleNotFound`], or what the store says.
    pub async fn role(&self, tenant: TenantId, id: RoleId) -> Result<Role, Error> {
        self.db
            .system_read(|s| async move { read(&s.scoped(tenant), id).await })
            .await
    }

    /// A page of roles, oldest first, and where the next begins.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn roles(
        &self,
        tenant: TenantId,
        after: Option<Cursor>,
        most: u32,
    ) -> Result<(Vec<Role>, Option<Cursor>), db::Error> {
        self.db
            .system_read(|s| async move {
                let by = (role::Column::CreatedAt, role::Column::Id);
                let rows = s.scoped(tenant).find::<role::Entity>();
                let (rows, more) = page(rows, by, after, most).await?;
                let next = rows.last().filter(|_| more).map(|row| Cursor {
                    created: row.created_at,
                    id: row.id,
                });
                let roles = rows
                    .into_iter()
                    .map(Role::try_from)
                    .collect::<Result<_, _>>()?;
                Ok((roles, next))
            })
            .await
    }

    /// Gives a role to a principal, if it may be given and its tenant has fewer bindings than `most`. The binding that is
    /// there already is as good.
    ///
    /// # Errors
    /// [`Error::RoleNotFound`], why it may not be given, [`Error::TooMany`], or as in `create_role`.
    pub async fn bind(
        &self,
        mutation: Mutation<'_>,
        wanted: &Binding,
        most: u64,
        allowed: Allowed<'_>,
    ) -> Result<Binding, Error> {
        self.db
            .system_write(|s| async move {
                let own = match mutation.begin(&s).await? {
                    Begun::Fresh(own) => own,
                    Begun::Replay(own, id) => {
                        return read_binding(&own, BindingId::from_uuid(id)).await;
                    }
                };
                allowed(&read(&own, wanted.role).await?)?;
                let same = of(&wanted.identity).add(binding::Column::RoleId.eq(wanted.role.uuid()));
                let there = own.find::<binding::Entity>().filter(same).one().await?;
                let bound = match there {
                    Some(row) => Binding::from(row),
                    None => {
                        let there = own.find::<binding::Entity>().count().await?;
                        room("binding", there, most)?;
                        let row = binding::row(mutation.tenant, wanted);
                        own.insert_many(vec![row.into_active_model().reset_all()])
                            .await?;
                        wanted.clone()
                    }
                };
                mutation.settle(&s, bound.id.uuid(), 1).await?;
                Ok(bound)
            })
            .await
    }

    /// Takes a role from a principal.
    ///
    /// # Errors
    /// [`Error::BindingNotFound`], [`Error::Refused`] for a reused request id, or what the store says.
    pub async fn unbind(&self, mutation: Mutation<'_>, id: BindingId) -> Result<(), Error> {
        self.db
            .system_write(|s| async move {
                let Begun::Fresh(own) = mutation.begin(&s).await? else {
                    return Ok(());
                };
                let gone = own
                    .delete_where::<binding::Entity>(binding::Column::Id.eq(id.uuid()))
                    .await?;
                if gone == 0 {
                    return Err(Error::BindingNotFound(id));
                }
                Ok(mutation.settle(&s, id.uuid(), 1).await?)
            })
            .await
    }

    /// A page of bindings, oldest first, and where the next begins.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn bindings(
        &self,
        tenant: TenantId,
        after: Option<Cursor>,
        most: u32,
    ) -> Result<(Vec<Binding>, Option<Cursor>), db::Error> {
        self.db
            .system_read(|s| async move {
                let by = (binding::Column::CreatedAt, binding::Column::Id);
                let rows = s.scoped(tenant).find::<binding::Entity>();
                let (rows, more) = page(rows, by, after, most).await?;
                let next = rows.last().filter(|_| more).map(|row| Cursor {
                    created: row.created_at,
                    id: row.id,
                });
                Ok((rows.into_iter().map(Binding::from).collect(), next))
            })
            .await
    }
}

/// What every binding of a tenant gives.
pub(super) async fn given(own: &Scoped) -> Result<Vec<(Identity, Vec<String>)>, db::Error> {
    let bindings = own.find::<binding::Entity>().all().await?;
    let roles = own.find::<role::Entity>().all().await?;
    let mut scopes: HashMap<Uuid, Vec<String>> = HashMap::new();
    for row in roles {
        scopes.insert(row.id, Role::try_from(row)?.scopes);
    }
    let given = bindings.into_iter().filter_map(|row| {
        let scopes = scopes.get(&row.role_id)?.clone();
        Some((Binding::from(row).identity, scopes))
    });
    Ok(given.collect())
}

/// The scopes a principal has by its roles.
pub(super) async fn given_to(own: &Scoped, identity: &Identity) -> Result<Vec<String>, db::Error> {
    let bindings = own
        .find::<binding::Entity>()
        .filter(of(identity))
        .all()
        .await?;
    let held = bindings.into_iter().map(|row| row.role_id);
    let roles = own
        .find::<role::Entity>()
        .filter(role::Column::Id.is_in(held))
        .all()
        .await?;
    let mut given = Vec::new();
    for row in roles {
        given.extend(Role::try_from(row)?.scopes);
    }
    Ok(given)
}

fn of(identity: &Identity) -> Condition {
    Condition::all()
        .add(binding::Column::Issuer.eq(identity.issuer()))
        .add(binding::Column::Principal.eq(identity.principal()))
}

async fn read(own: &Scoped, id: RoleId) -> Result<Role, Error> {
    let row = own
        .find::<role::Entity>()
        .filter(role::Column::Id.eq(id.uuid()))
        .one()
        .await?;
    Ok(row.ok_or(Error::RoleNotFound(id))?.try_into()?)
}

async fn read_at(own: &Scoped, id: RoleId, etag: Option<i64>) -> Result<Role, Error> {
    let role = read(own, id).await?;
    match etag {
        Some(etag) if etag != role.version => Err(Error::EtagMismatch),
        _ => Ok(role),
    }
}

async fn read_binding(own: &Scoped, id: BindingId) -> Result<Binding, Error> {
    let row = own
        .find::<binding::Entity>()
        .filter(binding::Column::Id.eq(id.uuid()))
        .one()
        .await?;
    Ok(row.ok_or(Error::BindingNotFound(id))?.into())
}

async fn name_is_free(own: &Scoped, role: &Role) -> Result<(), Error> {
    let same = Condition::all()
        .add(role::Column::DisplayName.eq(role.display_name.as_str()))
        .add(role::Column::Id.ne(role.id.uuid()));
    if own.find::<role::Entity>().filter(same).exists().await? {
        return Err(Error::RoleExists);
    }
    Ok(())
}
