//! The folders that a run's files stay within, when it was told to stay: in CI what is checked out is somebody's branch,
//! and a path or a symbolic link in it must not lead to the runner's own files.
//!
//! **Invariant:** what is admitted is given back as its real path, and that lies within the folder that the path as it
//! is written lies in. A link from one allowed folder into another is refused too.

use std::io;
use std::path::{Component, Path, PathBuf};

/// The folders; none of them means anywhere.
#[derive(Clone, Debug, Default)]
pub struct Fence(Vec<Folder>);

#[derive(Clone, Debug)]
struct Folder {
    written: PathBuf,
    real: PathBuf,
}

/// Why a path is not admitted.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    #[error("{} is not within {folders}", path.display())]
    Outside { path: PathBuf, folders: String },
    #[error("{} leads to {}, which is not within {folders}", path.display(), real.display())]
    LeadsOut {
        path: PathBuf,
        real: PathBuf,
        folders: String,
    },
    #[error("failed to find {}", path.display())]
    Missing {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Fence {
    /// Around these folders, which must be there.
    pub fn around(folders: &[PathBuf]) -> Result<Self, FenceError> {
        let folder = |path: &PathBuf| {
            Ok(Folder {
                written: plain(path)?,
                real: real(path)?,
            })
        };
        folders
            .iter()
            .map(folder)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The real path of a file or folder that is there.
    pub fn admit(&self, path: &Path) -> Result<PathBuf, FenceError> {
        if self.0.is_empty() {
            return Ok(path.to_owned());
        }
        self.check(path, real)
    }

    /// The path of a file that is to be made or replaced, in the real path of its folder.
    pub fn admit_new(&self, path: &Path) -> Result<PathBuf, FenceError> {
        if self.0.is_empty() {
            return Ok(path.to_owned());
        }
        let real_folder = |path: &Path| match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) if folder.as_os_str().is_empty() => {
                Ok(real(Path::new("."))?.join(name))
            }
            (Some(folder), Some(name)) => Ok(real(folder)?.join(name)),
            _ => real(path),
        };
        self.check(path, real_folder)
    }

    fn check(
        &self,
        path: &Path,
        resolve: impl Fn(&Path) -> Result<PathBuf, FenceError>,
    ) -> Result<PathBuf, FenceError> {
        let written = plain(path)?;
        let around = |folder: &&Folder| {
            written.starts_with(&folder.written) || written.starts_with(&folder.real)
        };
        let mut folders = self.0.iter().filter(around).peekable();
        if folders.peek().is_none() {
            // Said before anything is looked at: whether a file is there is nobody's business either.
            return Err(FenceError::Outside {
                path: path.to_owned(),
                folders: self.names(),
            });
        }
        let real = resolve(path)?;
        if folders.any(|folder| real.starts_with(&folder.real)) {
            return Ok(real);
        }
        Err(FenceError::LeadsOut {
            path: path.to_owned(),
            real,
            folders: self.names(),
        })
    }

    fn names(&self) -> String {
        let names = self.0.iter().map(|it| it.written.display().to_string());
        names.collect::<Vec<_>>().join(" or ")
    }
}

fn real(path: &Path) -> Result<PathBuf, FenceError> {
    path.canonicalize().map_err(|source| FenceError::Missing {
        path: path.to_owned(),
        source,
    })
}

/// The path from the root, without `.` and `..`, as it is written: links are not looked at.
fn plain(path: &Path) -> Result<PathBuf, FenceError> {
    let absolute = std::path::absolute(path).map_err(|source| FenceError::Missing {
        path: path.to_owned(),
        source,
    })?;
    let mut plain = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    Ok(plain)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// A workspace and a temp folder beside a secret that is in neither.
    fn ground() -> (tempfile::TempDir, Fence) {
        let ground = tempfile::tempdir().unwrap();
        let at = |name: &str| ground.path().join(name);
        for folder in ["tree/sub", "temp", "tree-2"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for file in ["tree/td.json", "temp/td.json", "tree-2/td.json", "secret"] {
            fs::write(at(file), "x").unwrap();
        }
        symlink(at("secret"), at("tree/link.json")).unwrap();
        symlink(at("tree/td.json"), at("tree/sub/link.json")).unwrap();
        symlink(ground.path(), at("tree/up")).unwrap();
        symlink(at("temp"), at("tree/temp")).unwrap();
        let fence = Fence::around(&[at("tree"), at("temp")]).unwrap();
        (ground, fence)
    }

    fn check(path: &str, says: Option<&str>) {
        let (ground, fence) = ground();
        let path = ground.path().join(path);
        match (fence.admit(&path), says) {
            (Ok(real), None) => assert_eq!(real, path.canonicalize().unwrap()),
            (Err(error), Some(says)) => assert!(error.to_string().contains(says), "{error}"),
            (found, _) => panic!("{}: {found:?}", path.display()),
        }
    }

    #[test]
    fn what_lies_within_a_folder_is_admitted_by_whatever_path() {
        check("tree/td.json", None);
        check("tree/sub/../td.json", None);
        check("tree/sub/link.json", None);
        check("temp/td.json", None);
    }

    #[test]
    fn a_path_that_leaves_the_folders_is_refused_before_it_is_looked_at() {
        check("secret", Some("is not within"));
        check("tree/../secret", Some("is not within"));
        check("tree/../not-there", Some("is not within"));
        check("tree-2/td.json", Some("is not within"));
    }

    #[test]
    fn a_link_that_leaves_its_folder_is_refused_though_the_path_stays() {
        check("tree/link.json", Some("leads to"));
        check("tree/up/secret", Some("leads to"));
        check("tree/temp/td.json", Some("leads to"));
        check("tree/up/tree/td.json", None);
    }

    #[test]
    fn a_file_that_is_not_there_is_told_as_missing() {
        check("tree/other.json", Some("failed to find"));
    }

    #[test]
    fn a_new_file_may_be_made_only_in_an_admitted_folder() {
        let (ground, fence) = ground();
        let new = |path: &str| fence.admit_new(&ground.path().join(path));
        assert!(new("tree/new.json").is_ok());
        assert!(new("tree/up/new.json").is_err());
        assert!(new("tree-2/new.json").is_err());
        assert!(new("tree/none/new.json").is_err());
    }

    #[test]
    fn without_folders_every_path_is_left_as_it_is() {
        let path = Path::new("../anywhere");
        assert_eq!(Fence::default().admit(path).unwrap(), path);
    }
}
