/** Waiting for a panel to be where the user looks: the editor opens panels after the call that makes them. */
import * as vscode from "vscode";

/** A panel that another has taken the place of by then will not come to the front. */
const FRONT_MILLISECONDS = 1000;

/** Resolves when a tab with a view of this type is the active one of the active group. */
export async function isInFront(view: string): Promise<void> {
  const { tabGroups } = vscode.window;
  const inFront = (): boolean => {
    const input = tabGroups.activeTabGroup.activeTab?.input;
    return input instanceof vscode.TabInputWebview && input.viewType.endsWith(view);
  };
  if (inFront()) return;
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      for (const subscription of subscriptions) subscription.dispose();
      resolve();
    };
    const look = (): void => void (inFront() && finish());
    const subscriptions = [tabGroups.onDidChangeTabs(look), tabGroups.onDidChangeTabGroups(look)];
    const timer = setTimeout(finish, FRONT_MILLISECONDS);
  });
}

/** Locks the group of a panel that has just been opened, if nothing else is in it: the next stop would open its source over the panel. */
export async function lockGroupOf(view: string): Promise<void> {
  await isInFront(view);
  if (vscode.window.tabGroups.activeTabGroup.tabs.length === 1)
    await vscode.commands.executeCommand("workbench.action.lockEditorGroup");
}
