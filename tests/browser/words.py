"""The words of the pages in both languages: what UX.md fixes, and otherwise the catalogues themselves."""

from __future__ import annotations

from pathlib import Path

from core.i18n import Message, add_catalogues

ROOT = Path(__file__).parents[2]
FIXED = {
    # UX 1.1 and 1.4: frame, menus
    "Main": "Principale", "Menu": "Menu", "Skip to content": "Aller au contenu", "Create": "Créer",
    "Your account, {name}": "Votre compte, {name}", "Breadcrumb": "Fil d’Ariane", "Notifications, {n} unread": "Notifications, {n} non lues", "More actions": "Autres actions",
    "Home": "Accueil", "Third parties": "Tiers", "Prospects": "Prospects", "Customers": "Clients", "Leads": "Pistes",
    "Trash": "Corbeille", "Jobs": "Traitements", "Stop": "Arrêter", "Retry": "Réessayer", "Administration": "Administration", "Modules": "Modules", "Lead": "Piste",
    "Prospect": "Prospect", "Customer": "Client", "New lead": "Nouvelle piste", "New customer": "Nouveau client",
    "New prospect": "Nouveau prospect",
    # UX 2.0: everywhere
    "Cancel": "Annuler", "Undo": "Défaire", "Recent actions": "Actions récentes", "Keep mine": "Garder ma valeur",
    "Take theirs": "Prendre la sienne", "Clear filters": "Effacer les filtres",
    # UX 2.1: lists
    "Saved views": "Vues enregistrées", "Search in this list": "Rechercher dans cette liste",
    "Add filter": "Ajouter un filtre", "Field": "Champ", "Operator": "Opérateur", "Value": "Valeur",
    "Save view": "Enregistrer la vue", "Save as…": "Enregistrer sous…", "Reset": "Réinitialiser", "Sort": "Trier",
    "Density": "Densité", "Go to": "Aller à", "Exact count": "Nombre exact", "Pinned views": "Vues épinglées",
    "Edit filter: {f}": "Modifier le filtre : {f}",
    "Apply": "Appliquer", "Remove filter: {f}": "Retirer le filtre : {f}", "Columns": "Colonnes",
    "Select {name}": "Sélectionner {name}", "Select all on this page": "Tout sélectionner sur cette page",
    "Set {name} to {status}": "Passer {name} à {status}", "Actions for {name}": "Actions pour {name}",
    "{status}, change status of {name}": "{status}, changer le statut de {name}", "Assign": "Affecter",
    "Bulk actions": "Actions groupées", "Set status": "Changer le statut", "First page": "Première page",
    "Select all {n}": "Sélectionner les {n}", "Previous page": "Page précédente", "Next page": "Page suivante", "{n} prospects": "{n} prospects",
    # UX 2.3: sheets
    "Status": "Statut", "Edit": "Modifier", "History": "Historique", "Related": "Éléments liés", "Delete": "Supprimer",
    "Convert to customer": "Convertir en client", "Restore": "Restaurer", "Record sections": "Rubriques de la fiche",
    "Activity": "Activité", "Details": "Détails", "Note": "Note", "Save note": "Enregistrer la note",
    "Add files": "Ajouter des fichiers",
    # UX 2.4: forms
    "Name": "Nom", "Email": "E-mail", "There is a problem": "Un problème est survenu", "Save": "Enregistrer",
    "Save and create another": "Enregistrer et en créer un autre",
    # UX 2.12: modules
    "Enable {module}": "Activer {module}", "Disable {module}": "Désactiver {module}",
    "Settings of {module}": "Réglages de {module}", "Details of {module}": "Détails de {module}",
    "Search modules": "Rechercher un module", "{module} enabled": "{module} activé",
    # UX 2.15: signing in, first run
    "Username or email": "Identifiant ou e-mail", "Password": "Mot de passe",
    "Show password": "Afficher le mot de passe", "Sign in": "Se connecter", "Create company": "Créer l’entreprise",
    "Load demo data": "Charger des données de démonstration", "Forgotten password": "Mot de passe oublié",
    "Remove demo data": "Supprimer les données de démonstration",
    # UX 2.13: administration
    "Invite user": "Inviter un utilisateur", "Add value": "Ajouter une valeur", "Replace with": "Remplacer par",
    "Tone": "Tonalité",
    # UX 3.3: seed values; 4.2: sentences
    "Never contacted": "Jamais contacté", "To contact": "À contacter", "Contact in progress": "Contact en cours",
    "Contacted": "Contacté", "Do not contact": "Ne pas contacter", "Enter a name": "Saisissez un nom",
    "Enter an email address like name@example.com": "Saisissez une adresse e-mail, par exemple nom@exemple.fr",
}  # fmt: skip
"""English and French exactly as UX.md has them; places are written {so}."""

for _folder in ("thirdparty", "leads", "export"):
    add_catalogues(ROOT / "plugins" / _folder / "translations")


def word(language: str, text: str, context: str | None = None, **values: object) -> str:
    """`text` in a language. Places are {so} in words of the guide and %(so)s in those of the catalogues."""
    if text in FIXED:
        return (text if language == "en" else FIXED[text]).format(**values)
    return Message(text, values=tuple(values.items()), context=context).translated(language)
