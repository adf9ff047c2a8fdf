//! The categories of the marketplace, as data. Every offer is also under Internet of Things › IoT Edge modules, which
//! needs not be written and does not count.

/// A category: what stands in the document, and its English and French names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Category {
    pub id: &'static str,
    pub english: &'static str,
    pub french: &'static str,
}

const fn category(id: &'static str, english: &'static str, french: &'static str) -> Category {
    Category { id, english, french }
}

/// The category and subcategory of every offer.
pub const IMPLIED: [Category; 2] = [
    category("internet-of-things", "Internet of Things", "Internet des objets"),
    category("iot-edge-modules", "IoT Edge modules", "Modules IoT Edge"),
];

/// All categories that an offer can name, in the order of the portal.
pub const ALL: &[Category] = &[
    category("ai-machine-learning", "AI and machine learning", "IA et apprentissage automatique"),
    category("analytics", "Analytics", "Analytique"),
    category("blockchain", "Blockchain", "Blockchain"),
    category("compute", "Compute", "Calcul"),
    category("containers", "Containers", "Conteneurs"),
    category("databases", "Databases", "Bases de données"),
    category("developer-tools", "Developer tools", "Outils de développement"),
    category("devops", "DevOps", "DevOps"),
    category("identity", "Identity", "Identité"),
    category("integration", "Integration", "Intégration"),
    category("internet-of-things", "Internet of Things", "Internet des objets"),
    category("it-management", "IT and management tools", "Informatique et outils de gestion"),
    category("media", "Media", "Multimédia"),
    category("migration", "Migration", "Migration"),
    category("mixed-reality", "Mixed reality", "Réalité mixte"),
    category("monitoring", "Monitoring and diagnostics", "Supervision et diagnostic"),
    category("networking", "Networking", "Réseau"),
    category("security", "Security", "Sécurité"),
    category("storage", "Storage", "Stockage"),
    category("web", "Web", "Web"),
];

/// The category with this ID.
pub fn find(id: &str) -> Option<Category> {
    ALL.iter().copied().find(|category| category.id == id)
}
