acquisitions = Acquisitions
advice-count = { $count ->
    [one] Une autre règle donne un conseil.
   *[other] { $count } autres règles donnent des conseils.
}
advice-title = Conseils, qui n’empêchent rien
ask-for-help = Demander de l’aide pour cette étape : { $step }
back = Retour
cancel-draft-stays = Le brouillon reste tel qu’il est ; vous pourrez le publier de nouveau.
cancel-live-stays = Ce qui est en direct le reste, sans changement.
cancel-now = Annuler la soumission
cancel-preview-goes = Ce qui était préparé est retiré : les clients de l’aperçu ne peuvent plus le voir ni l’extraire.
cancel-question = Annuler la soumission { $number } de { $name } ?
cancel-submission = Annuler
compare = Comparer
compare-with-live = Comparer avec ce qui est en direct
edit-field = Modifier le champ
edit-offer = Modifier l’offre
failure-report = Ce qui empêche la publication
failures-count = { $count ->
    [0] Rien ne l’empêche.
    [one] Une règle l’empêche. Tout ce qui a été trouvé figure ci-dessous.
   *[other] { $count } règles l’empêchent. Tout ce qui a été trouvé figure ci-dessous.
}
findings-more = { $count ->
    [one] Et un autre ; le rapport complet les contient tous.
   *[other] Et { $count } autres ; le rapport complet les contient tous.
}
fix-label = Pour corriger :
go-live-now = Mettre en direct maintenant
go-live-preview-ends = L’aperçu prend fin : ses clients utilisent l’offre en direct.
go-live-question = Mettre en direct la soumission { $number } de { $name } ?
go-live-regions = Les images vont dans chaque région obligatoire ; chaque empreinte y est vérifiée.
go-live-tags = Ensuite l’offre est présentée, et ces étiquettes mènent aux nouvelles images, pour tous à la fois.
go-live-versions = Cela ne peut pas être défait : une version qui a été en direct garde son empreinte pour toujours, et une nouvelle doit être plus grande.
newest-submission = Aller à la soumission la plus récente : { $number }
next-live = Elle est en direct.
next-look-at-preview = Regardez l’aperçu, puis mettez-la en direct.
next-mend = Corrigez dans le brouillon ce qui figure ci-dessous, puis publiez-le de nouveau. Ce qui a été vérifié et n’a pas changé ne l’est pas de nouveau.
next-overdue = Une étape est en retard. Un ticket s’est ouvert de lui-même ; vous pouvez y écrire.
next-publish-again = Le brouillon est tel qu’il était. Vous pouvez le publier de nouveau.
next-wait = Cela prend un moment ; la page avance d’elle-même, et vous pouvez la quitter.
offer = Offre
place-label = Où :
publish-again = Publier de nouveau le brouillon
rule-broken = Règle { $rule }
rule-none = Trouvé en chemin
see-report = Voir ce qui a été trouvé
standing-behind = en retard
standing-holding = a tout
standing-live = en direct
standing-removed = n’est plus une région
standing-waiting = attend
step-at-most = Au plus { $time }.
step-certification-what = Chaque image de chaque plan est comparée aux critères de certification.
step-live-what = La fiche et les étiquettes passent à la nouvelle version.
step-messages = { $count ->
    [one] Un message
   *[other] { $count } messages
}
step-no-maximum = Attend aussi longtemps que vous voulez.
step-packaging-what = Les images, SBOM et rapports sont préparés pour l’aperçu, et la destination des prospects est vérifiée.
step-publisher-signoff-what = L’aperçu attend que l’éditeur mette en direct.
step-replication-what = L’offre est portée dans chaque région obligatoire et vérifiée par empreinte.
step-since = En cours depuis le { $when }.
step-took = A pris { $time }.
step-validate-prerequisites-what = Les champs et paramètres de l’offre sont vérifiés, et le dépôt d’images est interrogé pour chaque étiquette.
steps = Étapes
submitted-by = Publiée par { $who } le { $when }
ticket = Ticket
ticket-answer = Envoyer
ticket-automatic = ouvert de lui-même, parce que l’étape était en retard
ticket-by = Ouvert par
ticket-changed = Dernier changement
ticket-close = Fermer le ticket
ticket-closed-hint = Ce ticket est fermé. Ouvrez-en un nouveau depuis l’étape qui est bloquée.
ticket-lead = Les opérateurs de la place de marché voient la soumission et ses messages ; dites ce que vous avez essayé, ce que vous avez vu, et ce que vous attendiez.
ticket-new = Demander de l’aide
ticket-no-step = Le formulaire ne nomme aucune étape.
ticket-no-step-hint = Choisissez une des six étapes.
ticket-send = Envoyer
ticket-state = État
ticket-state-answered = répondu
ticket-state-closed = fermé
ticket-state-open = ouvert
ticket-step = Étape
ticket-text = Votre message
ticket-text-rule = Texte simple, de 1 à { $limit } caractères. Ni mots de passe ni jetons.
ticket-title = Aide pour { $step } de { $name }
tickets = Tickets d’assistance
tickets-all = Tous
tickets-answered = Répondus
tickets-closed = Fermés
tickets-empty = Il n’y a pas de ticket ici. On en ouvre un depuis une étape de soumission qui est bloquée.
tickets-open = Ouverts
tickets-state = État des tickets
whole-report = Le rapport complet du plan { $plan }
action-canceled = a annulé
action-deadline-lifted = corrigée : l’échéance est levée
action-draft-changed = a modifié le brouillon
action-draft-created = a créé le brouillon
action-draft-deleted = a supprimé le brouillon
action-failed = la publication a échoué
action-hidden = masquée dans le catalogue
action-imported = importée
action-live = est passée en direct
action-published = a publié
action-recertification-failed = a échoué lors d’un nouveau jugement
action-recertified = jugée de nouveau
action-rejected = rejetée par un certificateur
action-selling-restored = a repris la vente
action-selling-stopped = a arrêté la vente
action-step-overdue = une étape est en retard
action-superseded = remplacée par une soumission plus récente
action-ticket-closed = a fermé un ticket
action-ticket-opened = a ouvert un ticket
action-waits-for-approval = attend un certificateur
action-waiver-added = a dispensé de constats
action-waiver-removed = a retiré une dispense
action-went-live = a validé
action-withdrawn = retirée par sa propre place de marché
compare-absent = absent
compare-added = ajouté
compare-after = Après
compare-before = Avant
compare-change = Changement
compare-changed = modifié
compare-field = Champ
compare-fields = Champs
compare-file = Fichier
compare-findings = Constats du plan { $plan }
compare-findings-count = Nouveaux : { $new }. Corrigés : { $fixed }. Dans les deux : { $kept }.
compare-fixed = Corrigés
compare-from = De
compare-listed = listée
compare-live = Ce qui est en direct
compare-moved = déplacée
compare-new = Nouveaux
compare-nothing = Il n’y a pas de version antérieure à comparer.
compare-nothing-hint = Choisissez deux versions, ou publiez d’abord le brouillon.
compare-packages = Paquets de { $plan } pour { $platform }
compare-pictures = Images de la fiche
compare-removed = retiré
compare-same = Rien ne diffère.
compare-sizes = Tailles
compare-tags = Étiquettes
compare-to = À
compare-unchanged = Inchangé :
delete-becomes-live = Le brouillon redevient ce qui est en direct. Ce que vous avez modifié depuis est perdu.
delete-draft = Supprimer le brouillon
delete-draft-lead = Un brouillon dont vous ne voulez plus peut être supprimé ; ce qui est en direct le reste.
delete-no-etag = Le formulaire ne dit pas de quel brouillon il s’agit.
delete-no-etag-hint = Ouvrez la page de nouveau et appuyez sur le bouton.
delete-now = Supprimer le brouillon maintenant
delete-question = Supprimer le brouillon de { $name } ?
delete-submissions-stay = Les soumissions et l’historique restent.
delete-whole = L’offre n’a jamais été en direct : elle disparaît de la liste de vos offres, avec tout ce que vous avez modifié.
draft = Brouillon
history-detail = Détail
history-empty = Rien n’a encore été fait.
history-newest = Les plus récentes
history-older = Plus anciennes
history-what = Quoi
history-when = Quand
history-who = Qui
manage-compare = Comparer
manage-history = Historique
manage-insights = Analyses
manage-pages = Pages de cette offre
manage-selling = Vente
selling-change = Changement
selling-lead = Ce qui n’est plus vendu n’est dans aucun catalogue, et personne ne peut l’acquérir. Les appareils qui l’exécutent peuvent encore l’extraire.
selling-none = Rien de cette offre n’est en direct, donc rien n’en est vendu. Publiez-la d’abord.
selling-part = Partie
selling-restore = Reprendre la vente
selling-sold = en vente
selling-stop = Arrêter la vente
selling-stopped = plus en vente depuis le { $since }
selling-whole = Toute l’offre
stop-back = Vous pourrez reprendre la vente à tout moment.
stop-devices = Les appareils qui l’exécutent peuvent encore l’extraire.
stop-hides = Elle disparaît du catalogue et de la recherche.
stop-now = Arrêter la vente maintenant
stop-question = Arrêter la vente de { $name } ?
stop-refuses = Personne ne peut l’acquérir, ni en faire un nouveau déploiement.
insights-acquisitions-desc = { $total ->
    [one] { $total } acquisition du { $from } au { $to }.
   *[other] { $total } acquisitions du { $from } au { $to }.
}
insights-again = jugée de nouveau
insights-by = Distinguer par
insights-by-plan = Plan
insights-by-platform = Plateforme
insights-by-region = Région
insights-by-version = Version
insights-csv = Télécharger en CSV
insights-day = Jour
insights-downloads = Téléchargements
insights-downloads-desc = { $total ->
    [one] { $total } téléchargement du { $from } au { $to }.
   *[other] { $total } téléchargements du { $from } au { $to }.
}
insights-from = Du
insights-leads-desc = { $total ->
    [one] { $total } prospect du { $from } au { $to }.
   *[other] { $total } prospects du { $from } au { $to }.
}
insights-none-acquisitions = Personne n’a acquis de plan ces jours-là.
insights-none-downloads = Rien n’a été téléchargé ces jours-là. Les téléchargements des aperçus ne sont pas comptés.
insights-none-leads = Aucun prospect n’est venu ces jours-là. Un client qui acquiert un plan est un prospect.
insights-none-vulnerabilities = Rien de cette offre n’a encore été en direct, donc rien n’en a été jugé.
insights-others = autres
insights-show = Afficher
insights-table = Les nombres en tableau
insights-to = Au
insights-unchecked = non comparé aux avis de sécurité
insights-unknown = inconnu
insights-vulnerabilities = Vulnérabilités connues
insights-vulnerabilities-desc = { $count ->
    [0] Au dernier jugement, aucune vulnérabilité n’était connue de ce qui est en direct.
    [one] Au dernier jugement, une vulnérabilité était connue de ce qui est en direct.
   *[other] Au dernier jugement, { $count } vulnérabilités étaient connues de ce qui est en direct.
}
leads = Prospects
