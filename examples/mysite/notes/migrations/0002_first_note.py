from django.db import migrations


def write(apps, schema_editor):
    apps.get_model("notes", "Note").objects.create(text="The beanpole stands.")


class Migration(migrations.Migration):
    dependencies = [("notes", "0001_initial")]

    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
