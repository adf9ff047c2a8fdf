//! Merges the layers' evidence into the image's: what a later layer deletes or replaces is gone, except secrets and
//! malware, which can still be read from the lower layer. Pure: evidence in, evidence out.

use crate::evidence::{Binary, Distribution, Fault, FaultKind, FileFact, Match, Place, ProductInfo};
use crate::layer::{LayerEvidence, PathKind};
use std::collections::{BTreeMap, HashMap};

mod packages;

/// Longest chain of symbolic links, as Linux has it (path_resolution(7)).
const LINKS_MAX: u32 = 40;

/// The layers of one image, lowest first.
pub struct Merged<'a> {
    layers: &'a [LayerEvidence],
    /// Other names of a layer's file, by layer and path.
    aliases: HashMap<(usize, &'a str), Vec<&'a str>>,
}

/// A path of the merged file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The path, links resolved.
    pub path: String,
    /// What is there.
    pub kind: PathKind,
    /// Its permission bits.
    pub mode: u32,
}

impl<'a> Merged<'a> {
    /// Looks at the layers together.
    pub fn new(layers: &'a [LayerEvidence]) -> Merged<'a> {
        let mut aliases: HashMap<(usize, &str), Vec<&str>> = HashMap::new();
        for (index, layer) in layers.iter().enumerate() {
            for (link, target) in &layer.hard_links {
                aliases.entry((index, target)).or_default().push(link);
            }
        }
        Merged { layers, aliases }
    }

    /// The distribution: `etc/os-release` wins over `usr/lib/os-release`, a later layer over an earlier.
    pub fn distribution(&self) -> Option<Distribution> {
        let mut found: Vec<(bool, usize, &Distribution)> = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            for (path, distribution) in &layer.distributions {
                if !self.hidden(index, path) {
                    found.push((path.starts_with("etc/"), index, distribution));
                }
            }
        }
        found
            .into_iter()
            .max_by_key(|(etc, index, _)| (*etc, *index))
            .map(|(_, _, distribution)| distribution.clone())
    }

    /// ELF and PE files, sorted by place.
    pub fn binaries(&self) -> Vec<Binary> {
        let mut binaries: Vec<Binary> = self.visible(|layer| &layer.binaries, |binary| &mut binary.place);
        binaries.sort_by(|a, b| a.place.path.cmp(&b.place.path));
        binaries.dedup_by(|a, b| a.place == b.place);
        binaries
    }

    /// setuid and setgid files.
    pub fn setuid(&self) -> Vec<FileFact> {
        sorted(self.visible(|layer| &layer.setuid, |fact| &mut fact.place))
    }

    /// World-writable files and directories of programs and libraries.
    pub fn world_writable(&self) -> Vec<FileFact> {
        sorted(self.visible(|layer| &layer.world_writable, |fact| &mut fact.place))
    }

    /// What builds left behind: caches as one fact each, with the bytes of all that is in them.
    pub fn leftovers(&self) -> Vec<FileFact> {
        let files = self.visible(|layer| &layer.leftovers, |fact| &mut fact.place);
        let mut roots: BTreeMap<String, FileFact> = BTreeMap::new();
        for file in files {
            let root = crate::files::leftover_root(&file.place.path).unwrap_or(&file.place.path).to_owned();
            let directory = root != file.place.path;
            let whole = roots.entry(root.clone()).or_insert_with(|| FileFact {
                place: Place { layer: file.place.layer, path: root },
                size: 0,
                directory,
                ..file.clone()
            });
            whole.size = whole.size.saturating_add(file.size);
        }
        roots.into_values().collect()
    }

    /// All matches; those in files that are gone are marked.
    pub fn matches(&self) -> Vec<Match> {
        let mut matches = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            for found in &layer.matches {
                let mut found = found.clone();
                let file = found.place.path.split('!').next().unwrap_or("").to_owned();
                found.deleted_later = self.name_left(index, &file).is_none();
                matches.push(found);
            }
        }
        matches.sort();
        matches
    }

    /// Files that speak of `ProductInfo` and are still there.
    pub fn product_infos(&self) -> Vec<ProductInfo> {
        let layers = self.layers.iter().enumerate();
        let infos =
            layers.flat_map(|(index, layer)| layer.product_infos.iter().map(move |info| (index, info)));
        let left = |index, info: &ProductInfo| {
            self.name_left(index, info.place.path.split('!').next().unwrap_or("")).is_some()
        };
        infos.filter(|(index, info)| left(*index, info)).map(|(_, info)| info.clone()).collect()
    }

    /// The layers' faults. One about a package database that a later layer replaced is no longer true.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let gone =
                |fault: &&Fault| fault.kind == FaultKind::Packages && self.hidden(index, &fault.place.path);
            faults.extend(layer.faults.iter().filter(|fault| !gone(fault)).cloned());
        }
        faults
    }

    /// Looks a path up, links resolved within the root. `base` is the directory that a relative path starts in.
    pub fn resolve(&self, base: &str, path: &str) -> Option<Found> {
        let mut done: Vec<String> = match path.starts_with('/') {
            true => Vec::new(),
            false => parts(base),
        };
        let mut rest: Vec<String> = parts(path);
        rest.reverse();
        let mut links = 0;
        let mut last = None;
        while let Some(part) = rest.pop() {
            if part == ".." {
                done.pop();
                last = None;
                continue;
            }
            done.push(part);
            let here = done.join("/");
            last = self.find(&here).map(|(kind, mode, layer)| (Found { path: here, kind, mode }, layer));
            if let Some((Found { kind: PathKind::SymLink(link), .. }, layer)) = last {
                links += 1;
                let target = self.layers[layer].paths.link_target(link)?;
                if links > LINKS_MAX {
                    return None;
                }
                done.pop();
                if target.starts_with('/') {
                    done.clear();
                }
                rest.extend(parts(target).into_iter().rev());
                last = None;
            }
        }
        last.map(|(found, _)| found)
    }

    /// The topmost entry at a path, links not followed.
    fn find(&self, path: &str) -> Option<(PathKind, u32, usize)> {
        for (index, layer) in self.layers.iter().enumerate().rev() {
            if let Some((kind, mode)) = layer.paths.get(path) {
                return Some((kind, mode, index));
            }
            if hides(layer, path) {
                return None;
            }
        }
        None
    }

    /// Facts of files that are still there, under a name that they still have.
    fn visible<T: Clone + 'a>(
        &self,
        facts: impl Fn(&'a LayerEvidence) -> &'a Vec<T>,
        place: impl Fn(&mut T) -> &mut Place,
    ) -> Vec<T> {
        let mut visible = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            for fact in facts(layer) {
                let mut fact = fact.clone();
                let place = place(&mut fact);
                if let Some(name) = self.name_left(index, &place.path) {
                    place.path = name;
                    visible.push(fact);
                }
            }
        }
        visible
    }

    /// The name under which a layer's file is still there: its own, or that of a hard link.
    /// An archive's member is there as long as the archive is.
    fn name_left(&self, index: usize, path: &str) -> Option<String> {
        let file = self.file_of(index, path);
        if file.len() < path.len() {
            return self.name_left(index, file).map(|name| name + &path[file.len()..]);
        }
        if !self.hidden(index, path) {
            return Some(path.to_owned());
        }
        // A later layer may link to a lower layer's file, too.
        (index..self.layers.len())
            .filter_map(|layer| Some((layer, self.aliases.get(&(layer, path))?)))
            .flat_map(|(layer, links)| links.iter().map(move |link| (layer, link)))
            .find(|(layer, link)| !self.hidden(*layer, link))
            .map(|(_, link)| (*link).to_owned())
    }

    /// The file that holds what is at this path: the path itself, or the archive before a `!`.
    fn file_of<'p>(&self, index: usize, path: &'p str) -> &'p str {
        let table = &self.layers[index].paths;
        if !path.contains('!') || table.get(path).is_some() {
            return path;
        }
        let mut archives = path.match_indices('!').map(|(end, _)| &path[..end]);
        archives.find(|archive| table.get(archive).is_some()).unwrap_or(path)
    }

    /// Whether a later layer deletes or replaces a layer's path.
    fn hidden(&self, index: usize, path: &str) -> bool {
        self.layers[index + 1..].iter().any(|layer| layer.paths.get(path).is_some() || hides(layer, path))
    }
}

/// Whether a layer deletes what lower layers have at this path: by a whiteout of it or of a directory above, by an
/// opaque directory above, or by something else in a directory's place.
fn hides(layer: &LayerEvidence, path: &str) -> bool {
    if layer.paths.is_empty() {
        return false;
    }
    if layer.paths.whiteout(path) || layer.paths.opaque("") {
        return true;
    }
    path.match_indices('/').any(|(end, _)| {
        let above = &path[..end];
        layer.paths.whiteout(above)
            || layer.paths.opaque(above)
            || layer.paths.get(above).is_some_and(|(kind, _)| kind != PathKind::Directory)
    })
}

fn parts(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect()
}

fn sorted(mut facts: Vec<FileFact>) -> Vec<FileFact> {
    facts.sort_by(|a, b| (&a.place.path, a).cmp(&(&b.place.path, b)));
    // Two hard links of one file are one, when only one name is left.
    facts.dedup_by(|a, b| a.place == b.place);
    facts
}
