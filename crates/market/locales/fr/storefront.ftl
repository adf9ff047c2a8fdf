about = Présentation
all-tags = Toutes les étiquettes et ce qu’elles désignent
badge-showcased = En vitrine
badge-showcased-why = Fonctionne sur toutes les plateformes de niveau 1
breadcrumb = Où vous êtes
category-missing = Il n’y a pas de catégorie { $id }.
certified-at = certifié le { $day }
certified-on = Certifié le
close = Fermer
contents = Contenu
copied-short = Copié
copy = Copier
ecosystem = Écosystème
facet-badge = Distinction
facet-category = Catégories
facet-licence = Licence
facet-platform = Plateforme
facet-publisher = Éditeur
feed = Flux des versions (Atom)
feed-all = Nouvelles versions
feed-of = Versions de { $title }
filter-remove = choisi ; suivez le lien pour retirer ce filtre
filters = Filtres
get-it = L’obtenir
home = Accueil
home-description = Modules certifiés pour Azure IoT Edge et d’autres hôtes de conteneurs en périphérie : trouvez, vérifiez, déployez.
home-lead = Chaque module d’ici est certifié, signé, et dit ce qu’il contient.
home-newest = Nouveautés et mises à jour
home-showcased = En vitrine
home-title = Des modules pour la périphérie
identifiers = En bref
language = Langue
layers = { $count ->
    [one] { $count } couche
   *[other] { $count } couches
}
licence = Licence
licence-byol = Licence à apporter
licence-free = Gratuit
main-navigation = Principale
module-name = Nom du module
more = Plus
offer-id = Identifiant de l’offre
offers-count = { $count ->
    [one] { $shown } module
   *[other] { $shown } modules
}
package = Paquet
packages-found = { $found } paquets sur { $all }
packages-of = Tous les paquets de { $platform }
packages-search = Chercher un nom, une version, un écosystème ou une licence
packages-title = Paquets de { $title }
page-after = Suivant
page-before = Précédent
page-of = Page { $page } sur { $pages }
pages = Pages
plan-description = Description
plan-summary = Résumé
plans = Plans
platforms-sizes = Plateformes et tailles
public-keys = Clés publiques
pull-by-digest = Fixé sur l’empreinte certifiée :
region-home = Cette place de marché
results-all = Tous les modules
results-description = { $title } : modules IoT Edge certifiés, avec leurs plateformes, licences et éditeurs.
results-empty = Aucun module ne correspond.
results-for = Résultats pour « { $text } »
results-relaxed = Aucun module n’a tous ces mots ; ceux-ci en ont quelques-uns.
results-unfilter = Retirer tous les filtres
screenshots = Captures d’écran
search = Chercher
search-label = Chercher parmi les modules
search-placeholder = Modules, éditeurs, protocoles
see-all = Tout voir
settings = Réglages par défaut
settings-environment = { $count ->
    [one] { $count } variable d’environnement
   *[other] { $count } variables d’environnement
}
settings-routes = { $count ->
    [one] { $count } route
   *[other] { $count } routes
}
settings-twin = { $count ->
    [one] { $count } propriété du jumeau
   *[other] { $count } propriétés du jumeau
}
severity-critical = critique
severity-high = élevée
severity-info = info
severity-low = faible
severity-medium = moyenne
signature = Signature
signature-cosign = Ou avec cosign 3 :
signature-how = L’image, sa nomenclature et sa certification sont signées par cette place de marché. Vérifiez les trois, sans rien demander à personne :
sort = Trier par
sort-name = Nom
sort-newest = Nouveauté
sort-relevance = Pertinence
support-page = Page d’assistance
support-sovereign = Page d’assistance des régions souveraines
theme = Thème
theme-auto = Automatique
theme-dark = Sombre
theme-light = Clair
trust = Pourquoi lui faire confiance
trust-lead = Ce que la certification a trouvé, ce que l’on sait aujourd’hui, ce qu’il contient, et comment vérifier la signature vous-même.
useful-links = Liens utiles
version = Version
video-at = ouvre { $place }
videos = Vidéos
vulnerabilities-as-of = au { $day }
vulnerabilities-each = Chaque vulnérabilité
vulnerabilities-more = Le rapport de certification contient le reste.
vulnerabilities-none = Aucune connue
vulnerabilities-today = Vulnérabilités aujourd’hui
vulnerability-data = données de vulnérabilité :
why-trust = Pourquoi confiance ?
