//! Who a module runs as: the config's `User` (`name`, `uid`, `name:group`, `uid:gid`) looked up in the image's own
//! `etc/passwd` and `etc/group`, as container runtimes do. Pure: texts in, numbers out.

/// A user, a group, and the further groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) groups: Vec<u32>,
}

/// Most further groups of a user that are looked at.
const GROUPS_MAX: usize = 64;

/// Looks a user up; the error says what is not there.
pub(super) fn find(user: &str, passwd: &str, group: &str) -> Result<Identity, String> {
    let (name, group_name) = match user.split_once(':') {
        Some((name, group)) => (name, Some(group).filter(|group| !group.is_empty())),
        None => (user, None),
    };
    let name = if name.is_empty() { "0" } else { name };
    // name:password:uid:gid:…
    let row = rows(passwd).find(|row| {
        row.first() == Some(&name) || name.parse::<u32>().is_ok_and(|uid| number(row, 2) == Some(uid))
    });
    let uid = match (name.parse(), &row) {
        (Ok(uid), _) => uid,
        (Err(_), Some(row)) => {
            number(row, 2).ok_or_else(|| format!("etc/passwd has no number for user {name:?}"))?
        }
        (Err(_), None) => return Err(format!("etc/passwd has no user {name:?}")),
    };
    if let Some(group_name) = group_name {
        let by_name =
            || rows(group).find(|row| row.first() == Some(&group_name)).and_then(|row| number(&row, 2));
        let gid = group_name.parse().ok().or_else(by_name);
        let gid = gid.ok_or_else(|| format!("etc/group has no group {group_name:?}"))?;
        return Ok(Identity { uid, gid, groups: Vec::new() });
    }
    let gid = row.as_ref().and_then(|row| number(row, 3)).unwrap_or(0);
    let login = row.as_ref().and_then(|row| row.first().copied());
    let member = |row: &Vec<&str>| {
        login
            .is_some_and(|login| row.get(3).is_some_and(|members| members.split(',').any(|one| one == login)))
    };
    let groups = rows(group).filter(member).filter_map(|row| number(&row, 2)).take(GROUPS_MAX).collect();
    Ok(Identity { uid, gid, groups })
}

fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.trim().split(':').collect())
}

fn number(row: &[&str], at: usize) -> Option<u32> {
    row.get(at)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_are_found_as_runtimes_find_them() {
        let passwd = "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/app:\nbad:x:one\n";
        let group = "root:x:0:\napp:x:1001:\nvideo:x:44:other,app\n";
        let found = |user: &str| find(user, passwd, group).map(|id| (id.uid, id.gid, id.groups));
        assert_eq!(found(""), Ok((0, 0, vec![])));
        assert_eq!(found("app"), Ok((1000, 1001, vec![44])));
        assert_eq!(found("1000"), Ok((1000, 1001, vec![44])));
        assert_eq!(found("app:video"), Ok((1000, 44, vec![])));
        assert_eq!(found("65532:7"), Ok((65532, 7, vec![])));
        assert_eq!(found("65532"), Ok((65532, 0, vec![])));
        assert!(found("nobody").is_err() && found("app:none").is_err() && found("bad").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(user in ".{0,20}", passwd in "[a-z0-9:,\n]{0,80}", group in "[a-z0-9:,\n]{0,80}") {
            let _ = find(&user, &passwd, &group);
        }
    }
}
